#include "common/program.hpp"
#include "sandbox/executions.hpp"

#include <lokiship/clock.hpp>
#include <lokiship/testing/fake_loki.hpp>
#include <lokiship/testing/http_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <iostream>
#include <vector>

using namespace lokiship;

namespace {

constexpr const char* description = "Serves a made-up AOSS backend, on which executions keep happening, and "
                                    "a Loki in memory on loopback until a signal "
                                    "ends it. Prints BACKEND_URL=… and LOKI_URL=… when both answer.";

std::vector<tools::setting> settings() {
    return {
        tools::count_setting("backend-port", 0, 65535, "0", "The backend's port; 0: a free one"),
        tools::count_setting("loki-port", 0, 65535, "0", "Loki's port; 0: a free one"),
        tools::count_setting("history", 0, 1'000'000, "500",
                             "How many executions of the last five days there are at the start"),
        tools::choice_setting("loki-version", {"2.9", "3"}, "2.9", "Which Loki it is like"),
        tools::flag_setting("faithful",
                            "Loki shows what is older than three hours only after it has flushed it, as a "
                            "real one does"),
        tools::duration_setting("interval", "10ms", "1h", "700ms", "From one event to the next"),
    };
}

int run(const tools::values& v) {
    const auto port = [&](const char* name) {
        testing::http_server_options o;
        o.port = static_cast<std::uint16_t>(v.count(name));
        return o;
    };
    boost::asio::io_context context(1);
    system_clock time;
    testing::fake_backend backend;
    const auto limits =
        v.text("loki-version") == "3" ? testing::loki_limits::v3() : testing::loki_limits::v2_9();
    testing::fake_loki loki(v.flag("faithful") ? limits : limits.visible_at_once());
    tools::execution_source source(backend);
    const auto history = static_cast<std::int64_t>(v.count("history"));
    for (std::int64_t i = history; i > 0; --i)
        source.add_finished(time.wall_now() - std::chrono::hours(5 * 24) / history * i);

    testing::http_server backend_server(context.get_executor(), std::ref(backend), port("backend-port"));
    testing::http_server loki_server(context.get_executor(), std::ref(loki), port("loki-port"));
    std::cout << "BACKEND_URL=" << backend_server.url() << "\nLOKI_URL=" << loki_server.url() << std::endl;

    const auto interval = v.duration("interval");
    boost::asio::steady_timer timer(context);
    std::function<void()> next = [&] {
        timer.expires_after(interval);
        timer.async_wait([&](const error_code& ec) {
            if (ec)
                return;
            source.happen(time.wall_now());
            next();
        });
    };
    next();
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const error_code&, int) { context.stop(); });
    context.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    return tools::run_program("sandbox", description, settings(), argc, argv, run);
}
