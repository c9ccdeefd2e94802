#include "shipd/daemon.hpp"

#include "common/labels.hpp"
#include "common/logging.hpp"
#include "shipd/options.hpp"

#include <lokiship/ship/task_group.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <string_view>
#include <utility>

namespace lokiship::tools {

namespace {

std::string lines(const std::vector<std::string>& texts, std::string_view if_none) {
    std::string out;
    for (const auto& t : texts)
        out += t + '\n';
    return out.empty() ? std::string(if_none) + '\n' : out;
}

} // namespace

daemon::lane::lane(daemon& d, const values& v)
    : settings(v)
    , name(v.text("name"))
    , backend(d.program_.reach(v, "backend"))
    , backend_seen(backend, d.program_.time,
                   [this, &d, tell = d.metrics_.polls(name)](const http::exchange_report& r) {
                       last_exchange = d.program_.time.steady_now();
                       tell(r);
                   })
    , loki_seen(d.program_.loki, d.program_.time,
                [this, &d, tell = d.metrics_.pushes(name)](const http::exchange_report& r) {
                    last_exchange = d.program_.time.steady_now();
                    tell(r);
                })
    , last_exchange(d.program_.time.steady_now()) {}

daemon::daemon(values v, read_settings again)
    : first_(std::move(v))
    , again_(std::move(again))
    , program_("shipd", first_)
    , orders_(program_.context, SIGHUP, SIGUSR1)
    , started_(program_.time.wall_now()) {
    for (const auto& one : backends_of(first_)) {
        for (const auto& other : lanes_)
            if (labels_of(other->settings, "external-label") == labels_of(one, "external-label"))
                program_.logger->warn(
                    "backends {} and {} have the same external labels: where servers of both have one id "
                    "they "
                    "share streams, and --resume-from-loki takes the newest entry of either",
                    other->name, one.text("name"));
        lanes_.push_back(std::make_unique<lane>(*this, one));
    }
    const std::string& listen = first_.text("listen");
    if (listen == "off" || first_.flag("once"))
        return;
    try {
        service_.emplace(program_.context.get_executor(), parse_listen_address(listen).value(),
                         [this](const service_request& r) { return answer(r); });
    } catch (const boost::system::system_error& e) {
        throw wrong_use_error(first_.find("listen")->second.origin + ": '" + listen +
                              "' cannot be listened on: " + e.code().message() +
                              "; name another port, or off");
    }
}

ship::shipper_options daemon::options(const values& v, lane& l) {
    ship::shipper_options out = to_shipper_options(v, program_.delivery(v, loki_), loki_);
    // Each takes no notice of the others.
    out.delivery.rate /= lanes_.size();
    if (!first_.backends.empty() && !out.state_file.empty())
        out.state_file += '.' + l.name;
    const std::string prefix = prefix_of(l);
    out.log = log_to(program_.logger, prefix);
    out.on_counters = [this, &l, prefix](const ship::counters& c) {
        // One line a round, not one a push.
        if (c.pending != 0)
            return;
        if (c.shipped > l.shipped)
            program_.logger->info("{}shipped {} entries, {} in all", prefix, c.shipped - l.shipped,
                                  c.shipped);
        l.shipped = c.shipped;
    };
    return out;
}

std::string daemon::prefix_of(const lane& l) const {
    return first_.backends.empty() ? "" : '[' + l.name + "] ";
}

void daemon::make_shippers() {
    for (auto& l : lanes_) {
        ship::shipper_options o = options(l->settings, *l);
        l->longest_silence = o.longest_silence();
        l->ship.emplace(l->backend_seen, l->loki_seen, program_.time, std::move(o));
        if (const auto state = l->ship->open_state(); !state)
            throw wrong_use_error("--state-file: " + state.error().message);
        program_.logger->info("shipping from {} to {}", l->backend.server(), program_.loki.server());
    }
}

int daemon::run() {
    program_.on_signal([this] { stop(); });
    if (service_)
        program_.logger->info("metrics and status at {}/status", service_->url());
    loki_ = program_.ask_loki();
    if (program_.cancelled())
        return all_shipped;
    make_shippers();
    if (first_.flag("once"))
        return ship_once();
    if (manager_.listens())
        program_.on_tick([this] { tick(); });
    program_.run(ship_all());
    say_ended();
    return all_shipped;
}

boost::asio::awaitable<void> daemon::ship_all() {
    // The shippers are told to stop, and never cancelled.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    if (service_)
        service_->start();
    wait_for_signal();
    manager_.ready();
    ship::task_group all(co_await boost::asio::this_coro::executor);
    for (auto& l : lanes_)
        all.spawn(ship(*l));
    std::exception_ptr thrown;
    while (!all.empty()) {
        try {
            co_await all.wait();
        } catch (...) {
            thrown = std::current_exception();
        }
    }
    // Nothing of these may keep the loop running, not even an order that has come already.
    stopping_ = true;
    orders_.cancel();
    if (service_)
        service_->stop();
    if (thrown)
        std::rethrow_exception(thrown);
}

boost::asio::awaitable<void> daemon::ship(lane& l) {
    try {
        co_await l.ship->run();
    } catch (const std::exception& e) {
        // The others would go on as if nothing were missing.
        program_.logger->error("{}shipping has ended: {}", prefix_of(l), e.what());
        stop();
        throw;
    }
}

int daemon::ship_once() {
    int out = all_shipped;
    for (auto& l : lanes_) {
        if (stopping_)
            break;
        program_.run(l->ship->run_once());
        const auto& c = l->ship->count();
        const int code = c.pages_failed != 0 ? backend_failed
                         : c.pending != 0    ? loki_failed
                         : c.rejected != 0   ? some_rejected
                                             : all_shipped;
        out = std::max(out, code);
    }
    say_ended();
    return out;
}

void daemon::say_ended() const {
    for (const auto& l : lanes_) {
        const auto& c = l->ship->count();
        program_.logger->info(
            "{}ended: fetched {}, shipped {}, duplicate {}, rejected {}, pending {}; redacted {}",
            prefix_of(*l), c.fetched, c.shipped, c.duplicate, c.rejected, c.pending, c.redacted);
    }
}

void daemon::stop() {
    if (std::exchange(stopping_, true))
        return;
    manager_.stopping();
    bool begun = false;
    for (auto& l : lanes_)
        if (l->ship) {
            l->ship->stop();
            begun = true;
        }
    if (!begun)
        program_.cancel();
}

void daemon::wait_for_signal() {
    orders_.async_wait([this](const error_code& ec, int order) {
        if (ec || stopping_)
            return;
        if (order == SIGHUP)
            reload();
        else
            program_.logger->info("state: {}", boost::json::serialize(to_json(status())));
        wait_for_signal();
    });
}

void daemon::reload() {
    manager_.reloading();
    try {
        values next = again_();
        // All of it is made before any of it is used.
        struct update {
            lane* to;
            transport backend;
            ship::shipper_options options;
        };
        std::vector<update> updates;
        for (const auto& one : backends_of(next))
            for (auto& l : lanes_)
                // What it is reached with belongs to a server.
                if (l->name == one.text("name") && l->settings.text("backend") == one.text("backend"))
                    updates.push_back({l.get(), program_.reach(one, "backend"), options(one, *l)});
        const bool same_loki = next.text("loki") == first_.text("loki");
        std::optional<transport> loki;
        if (same_loki)
            loki.emplace(program_.reach(next, "loki"));
        for (const auto& name : changed_for_next_start(first_, next))
            program_.logger->warn(
                "{} differs from what shipd was started with; it takes effect at the next start", name);
        for (auto& u : updates) {
            u.to->longest_silence = u.options.longest_silence();
            u.to->ship->update(std::move(u.options));
            u.to->backend = std::move(u.backend);
        }
        if (loki)
            program_.loki = std::move(*loki);
        update_logger(*program_.logger, next.text("log-level"), next.text("log-format"));
        // With a number, since what is the same is said once a minute.
        program_.logger->info("reload {}: the settings were read again", ++reloads_ + reloads_failed_);
    } catch (const std::exception& e) {
        program_.logger->error("reload {}: the settings cannot be used, and the former ones stay: {}",
                               ++reloads_failed_ + reloads_, e.what());
    }
    manager_.ready();
}

void daemon::tick() {
    const tools::status now = status();
    std::uint64_t shipped = 0, pending = 0;
    for (const auto& l : now.lanes) {
        shipped += l.shipper.count.shipped;
        pending += l.shipper.count.pending;
    }
    const auto wrong = why_not_ready(now);
    manager_.status((wrong.empty() ? "shipping" : wrong.front()) + "; shipped " + std::to_string(shipped) +
                    ", pending " + std::to_string(pending));
    const auto at = program_.time.steady_now();
    if (manager_.watchdog().count() == 0 || at < next_alive_ || !why_not_healthy(now).empty())
        return;
    next_alive_ = at + manager_.watchdog() / 4;
    manager_.alive();
}

status daemon::status() {
    tools::status out;
    out.now = program_.time.wall_now();
    out.started = started_;
    out.loki = program_.loki.server();
    out.reloads = reloads_;
    out.reloads_failed = reloads_failed_;
    for (const auto& l : lanes_) {
        lane_status s{l->name, l->backend.server(), l->ship->status(), {}, l->longest_silence};
        s.silence = program_.time.steady_now() - std::max(s.shipper.last_activity, l->last_exchange);
        out.lanes.push_back(std::move(s));
    }
    return out;
}

service_answer daemon::answer(const service_request& r) {
    const tools::status now = status();
    service_answer out;
    if (r.path == "/metrics") {
        out.content_type = "text/plain; version=0.0.4; charset=utf-8";
        out.body = metrics_.text(now);
    } else if (r.path == "/healthz" || r.path == "/ready") {
        const auto wrong = r.path == "/ready" ? why_not_ready(now) : why_not_healthy(now);
        out.status = wrong.empty() ? 200 : 503;
        out.body = lines(wrong, "ok");
    } else if (r.path == "/status" && r.accept.find("text/html") != r.accept.npos) {
        out.content_type = "text/html; charset=utf-8";
        out.body = status_page();
    } else if (r.path == "/status") {
        out.content_type = "application/json";
        out.body = boost::json::serialize(to_json(now)) + '\n';
    } else {
        out.status = 404;
        out.body = "there are /status, /metrics, /ready and /healthz\n";
    }
    return out;
}

} // namespace lokiship::tools
