#ifndef LOKISHIP_TESTS_SIMULATION_BACKFILL_WORLD_HPP
#define LOKISHIP_TESTS_SIMULATION_BACKFILL_WORLD_HPP

#include "stormy_world.hpp"

#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/to_entry.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::testing {

/// Backfills of one history between them, each of which takes up what those before it left, until one gets through.
class backfill_world : private stormy_world {
public:
    explicit backfill_world(unsigned seed, bool tell = false)
        : stormy_world(seed, tell)
        , has_checkpoint_(below(3) != 0)
        , changes_(below(2) == 0) {
        latencies();
        if (has_checkpoint_)
            options_.checkpoint = folder_.file("checkpoint");
        options_.job = "the job";
        options_.spool.directory = folder_.folder;
        options_.spool.memory = 64 * 1024;
        options_.delivery.batch.max_entries = 1 + below(below(2) == 0 ? 10 : 1000);
        options_.delivery.concurrency = 1 + below(6);
        options_.delivery.ingester.known = below(2) == 0;
        options_.backoff.seed = seed;
        options_.make_scanner = scanner(seed);
        structured_metadata(options_, seed);
        options_.max_attempts = 1 + below(6);
        options_.verify = below(3) == 0;
        options_.delivery.on_rejected = [this](const ship::rejection& r) {
            const auto id = id_of(r.labels, r.entry);
            rejected_.insert(id);
            if (!is_undisturbed())
                return;
            BOOST_TEST(!lines().contains(id), "rejected, but stored: " << id);
            // Each stream goes oldest first.
            BOOST_TEST((r.reason != loki::reject_reason::too_far_behind), "refused as too late: " << id);
        };
        if (below(3) == 0) {
            static constexpr const char* parameters[] = {"offset", "skip", "page"};
            w_.backend.max_limit(10 + below(100));
            w_.backend.pages_by(parameters[below(3)]);
        }
    }

    /// Lets it all happen, and the faults end; then one run must get through, and everything be right.
    void run() {
        const std::chrono::minutes apart(below(below(2) == 0 ? 3 : 40));
        for (unsigned n = below(200); n != 0; --n)
            add(n * apart + std::chrono::seconds(below(60)));
        for (unsigned lives = 1 + below(8); lives != 0; --lives) {
            weather_[0] = below(3) == 0 ? bad_weather() : weather{};
            weather_[1] = below(3) == 0 ? weather{} : bad_weather();
            start();
            if (below(3) == 0)
                run_->run_for(std::chrono::milliseconds(below(200'000)));
            run_->step(below(below(2) == 0 ? 100 : 3000));
            if (below(4) == 0) {
                (*run_)->stop();
                run_->run_for(std::chrono::minutes(2));
            }
            run_.reset();
            tell("ended");
            if (changes_)
                change();
        }
        weather_[0] = weather_[1] = {};
        // Loki's rate may be so low that a run which tries only once gives up.
        for (int tries = 10; tries != 0; --tries) {
            start();
            run_->run_for(std::chrono::hours(30));
            if (!(*run_)->result().ship_failure || !limits_rate())
                break;
            w_.time.advance(std::chrono::minutes(1));
        }
        check();
    }

private:
    bool may_ask(std::string_view target) const override {
        return target.starts_with("/loki/api/v1/query_range?") || target.starts_with("/loki/api/v1/series?");
    }
    void on_answer() override {
        BOOST_TEST((*run_)->count().balanced());
        BOOST_TEST((*run_)->count().shipped <= w_.loki.received_entries());
    }

    /// Each run could know what those before it did.
    bool is_undisturbed() const {
        return has_checkpoint_ && !changed_ && !has_said("Loki cannot be asked what it has already");
    }
    void start() {
        backend_requests_.clear();
        loki_requests_.clear();
        run_ = std::make_unique<mortal_backfill>(w_, options_);
        tell("start");
    }
    void add(std::chrono::nanoseconds age) {
        auto e = w_.make(next_++, below(4), age);
        if (e.id[7] % 2 == 0)
            e.user_id = "u";
        if (below(20) == 0 && !e.results.empty())
            e.results[0].command += std::string(below(300), 'x');
        ids_.push_back(e.id);
        w_.backend.add(std::move(e));
    }
    void change() {
        for (unsigned n = below(4); n != 0; --n) {
            changed_ = true;
            auto* e = any();
            switch (below(4)) {
            case 0:
                add({});
                break;
            case 1:
                if (e && e->results.empty())
                    complete(*e);
                break;
            case 2:
                if (e && !e->results.empty())
                    run_again(*e);
                break;
            default:
                if (e)
                    w_.backend.erase(std::string(e->id));
            }
        }
    }

    void check() {
        const auto& c = (*run_)->count();
        const auto& r = (*run_)->result();
        BOOST_TEST_REQUIRE(run_->ended());
        for (const auto* failure : {&r.read_failure, &r.checkpoint_failure, &r.disk_failure, &r.ship_failure,
                                    &r.verify_failure, &r.incomplete})
            BOOST_TEST(!*failure, (*failure ? (*failure)->message : ""));
        BOOST_TEST(c.pending == 0u);
        BOOST_TEST(c.balanced());
        const auto stored = lines();
        std::size_t readable = 0, refused = 0;
        aoss::page_reader reader([&](const aoss::execution_record& record) {
            const auto step = aoss::to_entry(record, w_.time.wall_now());
            const auto id = id_of(step.labels, step.entry);
            BOOST_TEST((stored.contains(id) || rejected_.contains(id)), "lost: " << id);
            ++readable;
            refused += !stored.contains(id);
        });
        w_.backend.max_limit(0);
        BOOST_TEST(reader.write(w_.backend(aoss::logs_request({1'000'000})).body).has_value());
        BOOST_TEST(c.fetched >= readable);
        if (is_undisturbed())
            BOOST_TEST(c.rejected == refused);
    }

    bool has_checkpoint_, changes_;
    bool changed_ = false;
    ship::backfill_options options_;
    std::unique_ptr<mortal_backfill> run_;
};

} // namespace lokiship::testing

#endif
