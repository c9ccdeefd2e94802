#ifndef LOKISHIP_TESTS_SIMULATION_STORMY_WORLD_HPP
#define LOKISHIP_TESTS_SIMULATION_STORMY_WORLD_HPP

#include "ship/scratch.hpp"
#include "ship/world.hpp"

#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/simdjson_scanner.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::testing {

/// A backend and a Loki on virtual time whose faults, like all that happens, follow from a seed.
class stormy_world {
public:
    stormy_world(const stormy_world&) = delete;
    stormy_world& operator=(const stormy_world&) = delete;

protected:
    using seconds = std::chrono::seconds;

    /// Every other world reads its pages as the tools do. No random number, so that the seeds that failed before are still
    /// the same worlds.
    static aoss::make_scanner_function scanner(unsigned seed) {
        if (seed % 2 == 0)
            return {};
        return [] { return std::make_unique<aoss::simdjson_scanner>(); };
    }

    /// One in three ships structured metadata, to a Loki that may not take it, or not as much.
    template <class Options>
    void structured_metadata(Options& o, unsigned seed) {
        o.structured_metadata = seed % 3 == 0;
        if (seed % 4 == 0 && w_.loki.limits().allow_structured_metadata)
            w_.loki.limits().max_structured_metadata_entries_count = seed % 8 == 0 ? 3 : 2;
    }

    stormy_world(unsigned seed, bool tell)
        : tells_(tell)
        , random_(seed)
        , w_(limits()) {
        w_.backend_http =
            fake_transport([this](const http::request& r) { return backend(r); }, w_.time, "http://backend");
        w_.loki_http =
            fake_transport([this](const http::request& r) { return loki(r); }, w_.time, "http://loki");
        w_.backend_http.decide([this](const http::request& r) {
            return backend_fault_ = is_spared(r) ? fault::none : weather_[0].next(*this);
        });
        w_.loki_http.decide([this](const http::request&) { return weather_[1].next(*this); });
    }
    virtual ~stormy_world() = default;

    /// The backend gave this in full.
    virtual void on_readable(const aoss::execution_record&) {}
    /// That was all of the answer.
    virtual void on_readable_end() {}
    /// Loki answered.
    virtual void on_answer() {}
    /// A request that comes through in any weather.
    virtual bool is_spared(const http::request&) const { return false; }
    /// What may be asked of Loki beside a push.
    virtual bool may_ask(std::string_view target) const = 0;

    /// What is wrong on the way to a server, and for how long.
    struct weather {
        std::vector<fault> faults{};
        unsigned chance = 0;
        /// Its own answers; 0: those of the server.
        unsigned status = 0;
        std::optional<unsigned> retry_after{};
        /// The backend gives small pages all the same.
        bool spares_small_pages = false;

        fault next(stormy_world& w) const {
            return !faults.empty() && w.below(100) < chance
                       ? faults[w.below(static_cast<unsigned>(faults.size()))]
                       : fault::none;
        }
    };

    /// Each line is of one step, but for the placeholders of executions that have none yet.
    static std::string id_of(const loki::labels& stream, const loki::entry& e) {
        return e.line.starts_with("STEP: 0 |")
                   ? std::string(stream.get("server_id")) + ' ' + text::format_rfc3339(e.time)
                   : e.line;
    }
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool has_said(std::string_view what) const {
        return std::any_of(w_.log.begin(), w_.log.end(),
                           [&](const std::string& line) { return line.find(what) != line.npos; });
    }

    bool limits_rate() { return w_.loki.limits().ingestion_rate_mb < 1; }
    loki_limits limits() {
        loki_limits out = below(2) == 0 ? loki_limits::v2_9() : loki_limits::v3();
        if (below(3) == 0) {
            out.ingestion_rate_mb = 0.002;
            out.ingestion_burst_size_mb = 0.02;
        }
        if (below(3) == 0)
            out.max_line_size = 150;
        if (below(4) == 0)
            out.max_returned_stream_errors = 1;
        return out;
    }
    weather bad_weather() {
        static constexpr fault all[] = {fault::refuse,      fault::hang,      fault::reset_before,
                                        fault::reset_after, fault::truncate,  fault::stall,
                                        fault::slow,        fault::proxy_html};
        weather out;
        out.chance = 20 + below(81);
        for (unsigned n = 1 + below(3); n != 0; --n)
            out.faults.push_back(all[below(8)]);
        static constexpr unsigned statuses[] = {0, 0, 429, 500, 503, 502, 404, 401};
        out.status = statuses[below(8)];
        if (below(2) == 0)
            out.retry_after = below(90);
        out.spares_small_pages = below(3) == 0;
        return out;
    }

    void latencies() {
        w_.backend_http.latency(std::chrono::milliseconds(below(20)));
        w_.loki_http.latency(std::chrono::milliseconds(below(50)));
    }
    std::chrono::nanoseconds now() const { return w_.time.steady_now().time_since_epoch(); }

    std::set<std::string> lines() {
        std::set<std::string> out, all;
        for (const auto& [labels, entries] : w_.loki.stored())
            for (const auto& e : entries) {
                const std::string id = id_of(labels, e);
                out.insert(id);
                // Placeholders of one server and time differ by their structured metadata, if at all.
                const bool placeholder = id != e.line;
                const std::string execution(e.metadata.get("execution_id"));
                BOOST_TEST(all.insert(placeholder ? id + ' ' + execution : id).second,
                           "stored twice: " << id);
                const std::string step(e.metadata.get("step"));
                BOOST_TEST((step.empty() || e.line.starts_with("STEP: " + step + " |")),
                           "not its metadata: " << id);
            }
        return out;
    }
    execution* any() {
        return ids_.empty() ? nullptr : w_.backend.find(ids_[below(static_cast<unsigned>(ids_.size()))]);
    }
    static void complete(execution& e) {
        e.status = "Success";
        for (long s = 1; s <= 2; ++s)
            e.results.push_back({s, "late " + e.id, "Success", 0, "out", ""});
    }
    void run_again(execution& e) {
        e.results.push_back({1, "again " + std::to_string(next_++) + ' ' + e.id, "Failed", 1, "", "no"});
    }

    /// What happened, with the seconds since the beginning.
    void tell(const std::string& what) {
        for (; told_ != w_.log.size(); ++told_)
            if (tells_)
                std::cerr << "      " << w_.log[told_] << '\n';
        if (tells_)
            std::cerr << std::chrono::duration<double>(now()).count() << ' ' << what << '\n';
    }

    bool tells_;
    std::mt19937_64 random_;
    world w_;
    scratch folder_;
    weather weather_[2];
    unsigned next_ = 0;
    std::vector<std::string> ids_;
    std::set<std::string> rejected_;
    std::deque<std::chrono::nanoseconds> backend_requests_, loki_requests_;

private:
    reply backend(const http::request& r) {
        count_request(backend_requests_, 100);
        BOOST_TEST((r.verb == http::method::get));
        BOOST_TEST(r.target.starts_with("/api/monitoring/logs?"));
        if (weather_[0].status != 0 && !is_spared(r) && below(100) < weather_[0].chance)
            return {weather_[0].status, {}, "no"};
        tell("backend " + r.target);
        auto out = w_.backend(r);
        // Only what comes in full was readable.
        if (out.status == 200 && (backend_fault_ == fault::none || backend_fault_ == fault::slow)) {
            aoss::page_reader reader([this](const aoss::execution_record& record) { on_readable(record); });
            BOOST_TEST(reader.write(out.body).has_value());
            on_readable_end();
        }
        return out;
    }
    reply loki(const http::request& r) {
        count_request(loki_requests_, 2000);
        BOOST_TEST(((r.verb == http::method::post && r.target == "/loki/api/v1/push") ||
                    (r.verb == http::method::get && may_ask(r.target))));
        if (weather_[1].status != 0 && below(100) < weather_[1].chance) {
            reply out{weather_[1].status, {}, "no"};
            if (weather_[1].retry_after)
                out.fields.add("Retry-After", std::to_string(*weather_[1].retry_after));
            return out;
        }
        auto out = w_.loki(r);
        tell("loki " + r.target.substr(0, 20) + ' ' + std::to_string(out.status) + ' ' +
             out.body.substr(0, 300));
        on_answer();
        return out;
    }
    /// No more than so many within a minute.
    void count_request(std::deque<std::chrono::nanoseconds>& times, std::size_t most) {
        times.push_back(now());
        while (now() - times.front() > std::chrono::minutes(1))
            times.pop_front();
        BOOST_TEST(times.size() <= most);
    }

    fault backend_fault_ = fault::none;
    std::size_t told_ = 0;
};

} // namespace lokiship::testing

#endif
