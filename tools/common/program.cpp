#include "common/program.hpp"

#include "common/logging.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <iterator>
#include <variant>

namespace lokiship::tools {

namespace {

/// A standard stream that was closed would give its descriptor to the first socket, and output would go there.
void open_standard_streams() {
    for (int fd = 0; fd != 3; ++fd)
        if (fcntl(fd, F_GETFD) == -1)
            open("/dev/null", O_RDWR); // the lowest free one: fd
}

/// The exit code of a tool that has written its output, where all of it was written.
int after_output(std::string_view name, int code) {
    std::cout.flush();
    if (std::cout)
        return code;
    std::cerr << name << ": standard output cannot be written\n";
    return code == all_shipped ? internal_error : code;
}

} // namespace

int run_program(std::string_view name, std::string_view description, std::vector<setting> settings, int argc,
                char** argv, const std::function<int(const values&)>& run) noexcept try {
    open_standard_streams();
    const auto resolved = resolve(name, description, std::move(settings), real_surroundings(argc, argv));
    if (const auto* message = std::get_if<exit_message>(&resolved)) {
        (message->code == 0 ? std::cout : std::cerr << name << ": ") << message->text << '\n';
        return after_output(name, message->code);
    }
    return after_output(name, run(std::get<values>(resolved)));
} catch (const std::exception& e) {
    std::cerr << name << ": " << e.what() << '\n';
    return internal_error;
}

std::vector<setting> shipping_settings(std::string backend_timeout, std::vector<setting> own) {
    std::vector<setting> out{
        url_setting("backend", "BACKEND_URL", "http://localhost:8000", "The AOSS backend"),
        url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki"),
    };
    std::move(own.begin(), own.end(), std::back_inserter(out));
    out.push_back(duration_setting("backend-timeout", "10ms", "1d", std::move(backend_timeout),
                                   "The longest silence of the backend that is borne"));
    out.push_back(
        duration_setting("loki-timeout", "10ms", "1d", "10s", "The longest silence of Loki that is borne"));
    out.push_back(choice_setting("encoding", {"json"}, "json", "How pushes are encoded"));
    out.push_back(choice_setting("log-level", {"trace", "debug", "info", "warn", "error", "off"}, "info",
                                 "What is logged to standard error"));
    return out;
}

shipping_program::shipping_program(const std::string& name, const values& v)
    : logger(make_logger(name, v.text("log-level")))
    , backend(context.get_executor(), http::parse_url(v.text("backend")).value())
    , loki(context.get_executor(), http::parse_url(v.text("loki")).value()) {}

void shipping_program::on_signal(std::function<void()> f) {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this, f = std::move(f)](const error_code& ec, int) {
        if (ec)
            return;
        signals_.clear();
        f();
    });
}

} // namespace lokiship::tools
