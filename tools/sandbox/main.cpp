#include "common/program.hpp"
#include "sandbox/executions.hpp"

#include <lokiship/clock.hpp>
#include <lokiship/testing/fake_loki.hpp>
#include <lokiship/testing/fake_loki/protobuf_push.hpp>
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
                             "How many executions there are at the start; the same for the same options, "
                             "but for their times, which count back from the start"),
        tools::count_setting("days", 1, 3650, "5", "Over how many days they are spread evenly"),
        tools::count_setting("servers", 1, 100'000, "5", "On how many servers executions happen"),
        tools::choice_setting("loki-version", {"2.9", "3"}, "2.9", "Which Loki it is like"),
        tools::flag_setting("faithful",
                            "Loki shows what is older than three hours only after it has flushed it, as a "
                            "real one does"),
        tools::duration_setting("reject-old-samples-max-age", "0s", "3650d", "7d",
                                "Loki refuses what is older; off: nothing for its age"),
        tools::duration_setting("max-chunk-age", "1s", "3650d", "2h",
                                "Half of it is how far behind its stream's newest entry Loki takes one"),
        tools::duration_setting("interval", "0s", "1h", "700ms",
                                "From one event to the next; off: nothing happens after the start"),
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
    auto limits = v.text("loki-version") == "3" ? testing::loki_limits::v3() : testing::loki_limits::v2_9();
    if (const auto age = v.duration("reject-old-samples-max-age"); age.count() != 0)
        limits.reject_old_samples_max_age = age;
    else
        limits.reject_old_samples = false;
    limits.max_chunk_age = v.duration("max-chunk-age");
    testing::fake_loki loki(v.flag("faithful") ? limits : limits.visible_at_once());
    loki.decode_others_with(testing::decode_protobuf_push);
    tools::execution_source source(backend, v.count("servers"));
    const auto start = time.wall_now();
    const std::chrono::nanoseconds span = std::chrono::hours(24) * static_cast<int>(v.count("days"));
    const auto history = static_cast<std::int64_t>(v.count("history"));
    // At least 86 ms lie between two, so that none has another's microsecond.
    for (std::int64_t i = history; i > 0; --i)
        source.add_finished(start - span / history * i);

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
    if (interval.count() != 0)
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
