#ifndef LOKISHIP_TESTS_SIMULATION_SHIPPER_WORLD_HPP
#define LOKISHIP_TESTS_SIMULATION_SHIPPER_WORLD_HPP

#include "ship/world.hpp"

#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/to_entry.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// shipd's shell on virtual time, between a backend and a Loki whose faults, like all that happens, follow from a seed.
class shipper_world {
public:
    /// `tell`: says on standard error what happens.
    explicit shipper_world(unsigned seed, bool tell = false)
        : tells_(tell)
        , random_(seed)
        , w_(limits())
        , keeps_state_(below(3) != 0)
        , clock_jumps_(below(4) == 0) {
        std::string name = (std::filesystem::temp_directory_path() / "lokiship-simulation-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        w_.backend_http =
            fake_transport([this](const http::request& r) { return backend(r); }, w_.time, "http://backend");
        w_.loki_http =
            fake_transport([this](const http::request& r) { return loki(r); }, w_.time, "http://loki");
        w_.backend_http.decide([this](const http::request& r) {
            return backend_fault_ = is_spared(r) ? fault::none : weather_[0].next(*this);
        });
        w_.loki_http.decide([this](const http::request&) { return weather_[1].next(*this); });
        w_.backend_http.latency(std::chrono::milliseconds(below(20)));
        w_.loki_http.latency(std::chrono::milliseconds(below(50)));
        options_.batch_size = 5 + below(30);
        options_.backoff.seed = seed;
        options_.poll_interval = std::chrono::seconds(5 + below(60));
        options_.delivery.batch.max_entries = 1 + below(below(2) == 0 ? 10 : 1000);
        options_.delivery.concurrency = 1 + below(6);
        options_.dedup_capacity = below(3) == 0 ? 1 + below(40) : 10'000;
        options_.max_pending = below(4) == 0 ? 20 + below(100) : 100'000;
        options_.delivery.ingester.known = below(2) == 0;
        options_.delivery.on_rejected = [this](const rejection& r) {
            const auto id = id_of(r.labels, r.entry);
            rejected_.insert(id);
            // After a jump, Loki refuses as too new what it has; and who may not ask cannot know.
            if (keeps_state_ && !jumped_ && !has_said("Loki cannot be asked for what it has"))
                BOOST_TEST(!lines().contains(id), "rejected, but stored: " << id);
        };
        if (keeps_state_)
            options_.state_file = folder_ + "/state";
        else
            options_.resume_from_loki = below(3) == 0;
    }
    shipper_world(const shipper_world&) = delete;
    shipper_world& operator=(const shipper_world&) = delete;
    ~shipper_world() {
        shipper_.reset();
        std::filesystem::remove_all(folder_);
    }

    /// Lets it all happen, and the faults end; then everything must be right.
    void run() {
        add(below(40));
        start();
        for (unsigned events = 20 + below(40); events != 0; --events) {
            happen();
            run_for(std::chrono::milliseconds(below(below(3) == 0 ? 200'000 : 10'000)));
        }
        weather_[0] = weather_[1] = {};
        run_for(std::chrono::hours(3));
        check();
    }

private:
    using rejection = ship::rejection;
    using seconds = std::chrono::seconds;

    /// What is wrong on the way to a server, and for how long.
    struct weather {
        std::vector<fault> faults{};
        unsigned chance = 0;
        /// Its own answers; 0: those of the server.
        unsigned status = 0;
        std::optional<unsigned> retry_after{};
        /// The backend gives small pages all the same.
        bool spares_small_pages = false;

        fault next(shipper_world& w) const {
            return !faults.empty() && w.below(100) < chance
                       ? faults[w.below(static_cast<unsigned>(faults.size()))]
                       : fault::none;
        }
    };
    struct seen_entry {
        std::chrono::nanoseconds at{};
        std::string execution;
    };

    /// Each line is of one step, but for the placeholders of executions that have none yet.
    static std::string id_of(const loki::labels& stream, const loki::entry& e) {
        return e.line.starts_with("STEP: 0 |")
                   ? std::string(stream.get("server_id")) + ' ' + text::format_rfc3339(e.time)
                   : e.line;
    }
    bool has_said(std::string_view what) const {
        return std::any_of(w_.log.begin(), w_.log.end(),
                           [&](const std::string& line) { return line.find(what) != line.npos; });
    }
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

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

    bool is_spared(const http::request& r) const {
        return weather_[0].spares_small_pages &&
               r.target.ends_with("limit=" + std::to_string(options_.batch_size));
    }
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
            aoss::page_reader reader([this](const aoss::execution_record& record) {
                const auto step = aoss::to_entry(record, w_.time.wall_now());
                readable_[id_of(step.labels, step.entry)] = {now(), record.execution_id};
            });
            BOOST_TEST(reader.write(out.body).has_value());
        }
        return out;
    }
    reply loki(const http::request& r) {
        count_request(loki_requests_, 2000);
        BOOST_TEST(((r.verb == http::method::post && r.target == "/loki/api/v1/push") ||
                    (r.verb == http::method::get && r.target.starts_with("/loki/api/v1/query_range?"))));
        if (weather_[1].status != 0 && below(100) < weather_[1].chance) {
            reply out{weather_[1].status, {}, "no"};
            if (weather_[1].retry_after)
                out.fields.add("Retry-After", std::to_string(*weather_[1].retry_after));
            return out;
        }
        auto out = w_.loki(r);
        tell("loki " + r.target.substr(0, 20) + ' ' + std::to_string(out.status) + ' ' +
             out.body.substr(0, 300));
        const auto& c = (*shipper_)->count();
        BOOST_TEST(c.shipped <= w_.loki.received_entries() - received_before_);
        BOOST_TEST(c.pending <= options_.max_pending + 2000);
        return out;
    }
    /// No more than so many within a minute.
    void count_request(std::deque<std::chrono::nanoseconds>& times, std::size_t most) {
        times.push_back(now());
        while (now() - times.front() > std::chrono::minutes(1))
            times.pop_front();
        BOOST_TEST(times.size() <= most);
    }
    std::chrono::nanoseconds now() const { return w_.time.steady_now().time_since_epoch(); }
    void run_for(std::chrono::nanoseconds d) { shipper_->run_for(d); }

    void start() {
        received_before_ = w_.loki.received_entries();
        backend_requests_.clear();
        loki_requests_.clear();
        started_ = now();
        shipper_ = std::make_unique<mortal_shipper>(w_, options_);
        tell("start");
    }
    /// What a shipper that is gone had read, and did not ship, another one may not find any more.
    void end(bool killed) {
        if (killed)
            shipper_->step(below(60));
        else
            (*shipper_)->stop(), shipper_->run_for(seconds(20));
        shipper_.reset();
        tell(killed ? "killed" : "stopped");
        const auto stored = lines();
        std::erase_if(readable_, [&](const auto& e) {
            return !stored.contains(e.first) && (!keeps_state_ || now() - e.second.at < seconds(2) ||
                                                 !w_.backend.find(e.second.execution));
        });
    }

    /// It is about to be no longer what it was: whoever did not ship it by now need not.
    void forget_unstored(const std::string& execution) {
        const auto stored = lines();
        std::erase_if(readable_, [&](const auto& r) {
            return r.second.execution == execution && !stored.contains(r.first);
        });
    }
    void add(unsigned n) {
        for (; n != 0; --n) {
            auto e = w_.make(next_, below(4));
            if (below(20) == 0 && !e.results.empty())
                e.results[0].command += std::string(below(300), 'x');
            ids_.push_back(e.id);
            // Whoever knows how far the last one was comes to it, however long that takes.
            if (keeps_state_ && !jumped_ && !e.results.empty() &&
                std::filesystem::exists(options_.state_file))
                followed_.insert(e.id);
            w_.backend.add(std::move(e));
            ++next_;
        }
    }
    execution* any() {
        return ids_.empty() ? nullptr : w_.backend.find(ids_[below(static_cast<unsigned>(ids_.size()))]);
    }

    void happen() {
        switch (below(12)) {
        case 0:
        case 1:
        case 2:
            add(below(below(5) == 0 ? 120 : 8));
            break;
        case 3:
            if (auto* e = any(); e && e->results.empty()) {
                forget_unstored(e->id);
                e->status = "Success";
                for (long s = 1; s <= 2; ++s)
                    e->results.push_back({s, "late " + e->id, "Success", 0, "out", ""});
            }
            break;
        case 4:
            if (auto* e = any(); e && !e->results.empty())
                e->results.push_back(
                    {1, "again " + std::to_string(next_++) + ' ' + e->id, "Failed", 1, "", "no"});
            break;
        case 5:
            if (auto* e = any()) {
                const std::string id = e->id;
                forget_unstored(id);
                w_.backend.erase(id);
            }
            break;
        case 6:
            weather_[below(2)] = bad_weather();
            break;
        case 7:
        case 8:
            weather_[below(2)] = {};
            break;
        case 9:
            if (!clock_jumps_)
                break;
            tell("the clock jumps");
            jumped_ = true;
            followed_.clear();
            w_.time.set_wall(w_.time.wall_now() + seconds(below(7200)) - seconds(below(2) == 0 ? 7200 : 0));
            break;
        case 10:
            // So much comes that the backend gives it in small pages only, and one restart follows the other.
            weather_[0] = bad_weather();
            weather_[0].spares_small_pages = true;
            add(2 * static_cast<unsigned>(options_.batch_size) + below(100));
            for (unsigned restarts = 1 + below(3); restarts != 0; --restarts) {
                run_for(std::chrono::milliseconds(below(100'000)));
                end(below(2) == 0);
                start();
            }
            break;
        default:
            end(below(2) == 0);
            start();
        }
    }

    std::set<std::string> lines() {
        std::set<std::string> out;
        for (const auto& [labels, time, line] : w_.loki.lines())
            BOOST_TEST(out.insert(id_of(labels, {time, line})).second, "stored twice: " << line);
        return out;
    }
    void check() {
        const auto& c = (*shipper_)->count();
        BOOST_TEST(c.pending == 0u);
        const auto stored = lines();
        for (const auto& [line, seen] : readable_)
            BOOST_TEST((stored.contains(line) || rejected_.contains(line)), "lost: " << line);
        aoss::page_reader reader([&](const aoss::execution_record& record) {
            const auto step = aoss::to_entry(record, w_.time.wall_now());
            const auto id = id_of(step.labels, step.entry);
            // What ran again later may have been behind a page's end by then.
            if (followed_.contains(record.execution_id) && !record.command.starts_with("again"))
                BOOST_TEST((stored.contains(id) || rejected_.contains(id)), "never read: " << id);
        });
        BOOST_TEST(reader.write(w_.backend(aoss::logs_request({1'000'000})).body).has_value());
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
    std::size_t told_ = 0;
    std::mt19937_64 random_;
    world w_;
    bool keeps_state_, clock_jumps_;
    bool jumped_ = false;
    std::string folder_;
    ship::shipper_options options_;
    weather weather_[2];
    fault backend_fault_ = fault::none;
    std::unique_ptr<mortal_shipper> shipper_;
    std::chrono::nanoseconds started_{};
    std::size_t received_before_ = 0;
    unsigned next_ = 0;
    std::vector<std::string> ids_;
    /// Executions that came after what a state on disk knows, and were not changed since.
    std::set<std::string> followed_;
    std::map<std::string, seen_entry> readable_;
    std::set<std::string> rejected_;
    std::deque<std::chrono::nanoseconds> backend_requests_, loki_requests_;
};

} // namespace lokiship::testing

#endif
