#ifndef LOKISHIP_TESTS_SIMULATION_SHIPPER_WORLD_HPP
#define LOKISHIP_TESTS_SIMULATION_SHIPPER_WORLD_HPP

#include "stormy_world.hpp"

#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/to_entry.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// shipd's shell between them.
class shipper_world : private stormy_world {
public:
    /// `tell`: says on standard error what happens.
    explicit shipper_world(unsigned seed, bool tell = false)
        : stormy_world(seed, tell)
        , keeps_state_(below(3) != 0)
        , clock_jumps_(below(4) == 0)
        // No random number, so that the seeds that failed before are still the same worlds.
        , nights_(seed % 4 == 3) {
        latencies();
        options_.batch_size = 5 + below(30);
        options_.backoff.seed = seed;
        options_.make_scanner = scanner(seed);
        structured_metadata(options_, seed);
        options_.poll_interval = std::chrono::seconds(5 + below(60));
        options_.delivery.batch.max_entries = 1 + below(below(2) == 0 ? 10 : 1000);
        options_.delivery.concurrency = 1 + below(6);
        options_.dedup_capacity = below(3) == 0 ? 1 + below(40) : 10'000;
        if (nights_) // Loki does not show at once what comes so late; so it must be remembered.
            options_.dedup_capacity = 10'000;
        options_.max_pending = below(4) == 0 ? 20 + below(100) : 100'000;
        options_.delivery.ingester.known = below(2) == 0;
        options_.delivery.on_rejected = [this](const rejection& r) {
            const auto id = id_of(r.labels, r.entry);
            rejected_.insert(id);
            // Placeholders of one server and time are one entry for Loki.
            const bool alone = !r.entry.line.starts_with("STEP: 0 |");
            if (alone && r.reason == loki::reject_reason::too_far_behind)
                BOOST_TEST(!in_time_.contains(id), "refused, although it was read in time: " << id);
            // After a jump, Loki refuses as too new what it has; and who may not ask cannot know, nor who was
            // killed before the state was written, as long as Loki does not show it.
            const bool hidden =
                killed_ && w_.time.wall_now() - r.entry.time > options_.read_back.limits.shows_at_once();
            if (alone && keeps_state_ && !jumped_ && !hidden &&
                !has_said("Loki cannot be asked for what it has"))
                BOOST_TEST(!lines().contains(id), "rejected, but stored: " << id);
        };
        if (keeps_state_)
            options_.state_file = folder_.file("state");
        else
            options_.resume_from_loki = below(3) == 0;
    }

    /// Lets it all happen, and the faults end; then everything must be right.
    void run() {
        add(below(40));
        start();
        for (unsigned events = 20 + below(40); events != 0; --events) {
            happen();
            run_for(std::chrono::milliseconds(below(below(3) == 0 ? 200'000 : 10'000)));
            if (nights_ && below(8) == 0)
                night();
        }
        weather_[0] = weather_[1] = {};
        run_for(std::chrono::hours(3));
        check();
    }

private:
    using rejection = ship::rejection;
    struct seen_entry {
        std::chrono::nanoseconds at{};
        std::string execution;
    };

    bool is_spared(const http::request& r) const override {
        return weather_[0].spares_small_pages &&
               r.target.ends_with("limit=" + std::to_string(options_.batch_size));
    }
    bool may_ask(std::string_view target) const override {
        return target.starts_with("/loki/api/v1/query_range?");
    }
    void on_readable(const aoss::execution_record& record) override {
        const auto step = aoss::to_entry(record, w_.time.wall_now());
        const auto id = id_of(step.labels, step.entry);
        const std::string server(step.labels.get("server_id"));
        const auto bar = step.entry.time + options_.delivery.ingester.window();
        // A batch that is being tried goes before what comes later.
        if (!readable_.contains(id) && !jumped_ && newest_stored()[server] < bar &&
            newest_read_before_[server] < bar)
            in_time_.insert(id);
        auto& newest = newest_read_[server];
        newest = std::max(newest, step.entry.time);
        readable_[id] = {now(), record.execution_id};
    }
    void on_readable_end() override { newest_read_before_ = newest_read_; }
    /// Of each server's executions in Loki.
    std::map<std::string, timestamp>& newest_stored() {
        if (std::exchange(newest_known_, w_.loki.received_entries()) != w_.loki.received_entries())
            for (const auto& [labels, time, line] : w_.loki.lines()) {
                auto& newest = newest_stored_[std::string(labels.get("server_id"))];
                newest = std::max(newest, time);
            }
        return newest_stored_;
    }
    void on_answer() override {
        const auto& c = (*shipper_)->count();
        BOOST_TEST(c.shipped <= w_.loki.received_entries() - received_before_);
        BOOST_TEST(c.pending <= options_.max_pending + 2000);
    }
    void run_for(std::chrono::nanoseconds d) { shipper_->run_for(d); }

    void start() {
        received_before_ = w_.loki.received_entries();
        in_time_.clear();
        newest_read_.clear();
        newest_read_before_.clear();
        backend_requests_.clear();
        loki_requests_.clear();
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
        killed_ = killed;
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
            if (e.id[7] % 2 == 0)
                e.user_id = "u";
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
    /// Neither server answers for hours, and the backend is back first.
    void night() {
        weather down;
        down.faults = {fault::refuse};
        down.chance = 100;
        weather_[1] = down;
        add(1 + below(5));
        run_for(std::chrono::minutes(5));
        weather_[0] = down;
        for (unsigned n = 2 + below(6); n != 0; --n) {
            add(below(6));
            run_for(std::chrono::minutes(below(60)));
        }
        weather_[0] = {};
        run_for(std::chrono::minutes(5));
        weather_[1] = {};
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
                complete(*e);
            }
            break;
        case 4:
            if (auto* e = any(); e && !e->results.empty())
                run_again(*e);
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
            in_time_.clear();
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

    bool keeps_state_, clock_jumps_, nights_;
    /// The last one was.
    bool killed_ = false;
    bool jumped_ = false;
    ship::shipper_options options_;
    std::unique_ptr<mortal_shipper> shipper_;
    std::size_t received_before_ = 0;
    /// Executions that came after what a state on disk knows, and were not changed since.
    std::set<std::string> followed_;
    std::map<std::string, seen_entry> readable_;
    std::map<std::string, timestamp> newest_stored_, newest_read_, newest_read_before_;
    /// After how many entries that was.
    std::size_t newest_known_ = 0;
    /// What Loki would have taken when this shipper read it.
    std::set<std::string> in_time_;
};

} // namespace lokiship::testing

#endif
