#include "common/program.hpp"

#include "common/endpoint.hpp"
#include "common/labels.hpp"
#include "common/logging.hpp"
#include "common/ndjson.hpp"

#include <lokiship/aoss/simdjson_scanner.hpp>
#include <lokiship/http/whole_answer.hpp>
#include <lokiship/loki/backfill_shard.hpp>
#include <lokiship/loki/gzip_encoder.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/loki/protobuf_encoder.hpp>
#include <lokiship/ship/push_pacing.hpp>
#include <lokiship/text/escape.hpp>
#include <lokiship/text/redactor.hpp>

#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>
#include <variant>

namespace lokiship::tools {

namespace {

/// Whoever started shipd waits for it to say that it is ready.
constexpr std::chrono::seconds most_asked{10};

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

std::optional<std::string> check_pattern(const std::string& text) {
    auto wrong = text::redactor::check(text);
    if (!wrong)
        return std::nullopt;
    // RE2 quotes the pattern.
    return "is no pattern for RE2: " +
           text::escape_for_log(has_password(text) ? wrong->substr(0, wrong->find(": ")) : *wrong);
}

} // namespace

int run_program(std::string_view name, std::string_view description, std::vector<setting> settings, int argc,
                char** argv, const std::function<int(const values&)>& run) noexcept {
    return run_program(name, description, std::move(settings), argc, argv,
                       [&run](const values& v, const std::function<values()>&) { return run(v); });
}

int run_program(std::string_view name, std::string_view description, std::vector<setting> settings, int argc,
                char** argv,
                const std::function<int(const values&, const std::function<values()>& again)>& run) noexcept
    try {
    open_standard_streams();
#ifdef __GLIBC__
    // Else it rises with the first large block that is freed, and what is freed later is not given back.
    ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
    // A file that may not grow is an error like a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const auto read = [&] { return resolve(name, description, settings, real_surroundings(argc, argv)); };
    const auto resolved = read();
    if (const auto* message = std::get_if<exit_message>(&resolved)) {
        const std::string_view text = message->text;
        (message->code == 0 ? std::cout : std::cerr << name << ": ")
            << text << (text.ends_with('\n') ? "" : "\n");
        return after_output(name, message->code);
    }
    const auto again = [&read]() -> values {
        auto now = read();
        if (const auto* message = std::get_if<exit_message>(&now))
            throw wrong_use_error(message->text);
        return std::get<values>(std::move(now));
    };
    return after_output(name, run(std::get<values>(resolved), again));
} catch (const wrong_use_error& e) {
    std::cerr << name << ": " << e.what() << '\n';
    return wrong_use;
} catch (const std::exception& e) {
    std::cerr << name << ": " << e.what() << '\n';
    return internal_error;
}

std::vector<setting> shipping_settings(std::string backend_timeout, std::vector<setting> own) {
    std::vector<setting> out{
        url_setting("backend", "BACKEND_URL", "http://localhost:8000", "The AOSS backend"),
        url_setting(
            "loki", "LOKI_URL", "http://localhost:3100",
            "Loki; both are reached by the proxies that https_proxy, HTTPS_PROXY, http_proxy, ALL_PROXY and "
            "NO_PROXY name, as curl reads them"),
    };
    for (const char* side : {"backend", "loki"})
        for (auto& s : endpoint_settings(side))
            out.push_back(std::move(s));
    std::move(own.begin(), own.end(), std::back_inserter(out));
    out.push_back(part_setting(
        "shard", "0/1",
        "Which of several that share the backend this one is: it ships the servers that are its own. "
        "All of one backend need the same N"));
    out.push_back(label_setting(
        "external-label",
        "Add this label to each entry, such as where the backend stands; the same for both tools, or their "
        "streams differ"));
    out.push_back(flag_setting("structured-metadata",
                               "Give each entry the structured metadata execution_id, user_id, step and "
                               "exit_code, by which LogQL finds an execution: | execution_id=\"...\". For "
                               "Loki 3; one that does not take it gets the entries without",
                               false));
    out.push_back(
        duration_setting("backend-timeout", "10ms", "1d", std::move(backend_timeout),
                         "The longest silence of the backend that is borne; an answer may take six times "
                         "as long in all, for backfill sixty times"));
    out.push_back(
        duration_setting("loki-timeout", "10ms", "1d", "10s", "The longest silence of Loki that is borne"));
    out.push_back(choice_setting(
        "late-entries", {"reject", "restamp"}, "reject",
        "What becomes of an entry that is older than Loki takes beside its stream's newest; restamp: "
        "it is sent with the oldest time that Loki takes, and its own is kept"));
    out.push_back(file_setting(
        "rejects", "Append each rejected entry to this file as NDJSON, with the reason; at least once: what "
                   "a run that was killed had written since its last checkpoint, the next one writes again"));
    out.push_back(flag_setting("redact",
                               "Replace what looks like a secret in command, stdout and stderr by "
                               "[REDACTED]: private keys, the values "
                               "of passwords, tokens and keys with a name, bearer tokens, cloud keys, "
                               "passwords in URLs; --no-redact: "
                               "leave all as it is",
                               true));
    out.push_back(list_setting("redact-pattern", "RE",
                               "Replace also what this regular expression (RE2) matches, or its first group",
                               check_pattern, {}, '\n'));
    out.push_back(choice_setting("encoding", {"protobuf", "json"}, "protobuf",
                                 "How pushes are encoded; protobuf, Loki's own, is compressed by snappy"));
    out.push_back(
        choice_setting("compression", {"none", "gzip"}, "none", "How pushes in JSON are compressed"));
    out.push_back(choice_setting("log-level", {"trace", "debug", "info", "warn", "error", "off"}, "info",
                                 "What is logged to standard error"));
    out.push_back(choice_setting("log-format", {"text", "logfmt", "json"}, "text", "How it is written"));
    return out;
}

aoss::redact_function redaction(const values& v) {
    if (!v.flag("redact"))
        return {};
    return text::redactor(v.list("redact-pattern", '\n'));
}

aoss::make_scanner_function scanner() {
    return [] { return std::make_unique<aoss::simdjson_scanner>(); };
}

std::function<std::unique_ptr<loki::push_encoder>()> encoder(const values& v) {
    const bool gzip = v.text("compression") == "gzip";
    if (v.text("encoding") == "json")
        return [gzip]() -> std::unique_ptr<loki::push_encoder> {
            auto json = std::make_unique<loki::json_encoder>();
            if (!gzip)
                return json;
            return std::make_unique<loki::gzip_encoder>(std::move(json));
        };
    if (gzip)
        throw wrong_use_error(
            "--compression: 'gzip' is for JSON; protobuf is compressed by snappy. Use --encoding json");
    return [] { return std::make_unique<loki::protobuf_encoder>(); };
}

shipping_program::shipping_program(const std::string& name, const values& v)
    : logger(make_logger(name, v.text("log-level"), v.text("log-format")))
    , loki(reach(v, "loki"))
    , loki_timeout_(v.duration("loki-timeout")) {}

shipping_program::~shipping_program() {
    // Without a signal_set, both would end the process by default, before it has told its exit code.
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, nullptr);
}

transport shipping_program::reach(const values& v, const std::string& side) {
    endpoint e = endpoint_of(v, side, environment_variable,
                             [log = logger](std::string_view text) { log->warn("{}", text); });
    const std::string where = e.url.display();
    if (e.options.proxy)
        logger->info("{} is reached via proxy {}", where, e.options.proxy->display());
    try {
        return {context.get_executor(), std::move(e.url), std::move(e.options), e.tls};
    } catch (const boost::system::system_error& failed) {
        if (failed.code() != errc::unusable_credentials)
            throw;
        const std::string what = failed.what();
        throw wrong_use_error(where + ": " + what.substr(0, what.rfind(": " + failed.code().message())));
    }
}

boost::asio::awaitable<result<std::string>> shipping_program::get(std::string target) {
    http::request request;
    request.target = std::move(target);
    request.idle_timeout = request.total_timeout =
        std::min<std::chrono::nanoseconds>(loki_timeout_, most_asked);
    // Loki's has about 100 KiB, and each becomes some hundred when it is taken apart.
    request.max_response_size = 256 * 1024;
    const std::string where = loki.server() + request.target;
    auto answer = co_await http::send_whole(loki, std::move(request));
    if (!answer)
        co_return answer.error();
    if (answer->head.status != 200)
        co_return error(errc::bad_status, where + ": HTTP status " + std::to_string(answer->head.status));
    co_return std::move(answer->body);
}

boost::asio::awaitable<void> shipping_program::read_settings(loki_settings& out) {
    const auto config = co_await get("/config");
    auto read = config ? parse_loki_config(*config) : result<loki_settings>(config.error());
    if (read) {
        out = *read;
        co_return;
    }
    logger->debug("{}", read.error().message);
    // Where nobody answers, the first push will say so.
    if (!config && config.error().code != errc::bad_status)
        co_return;
    logger->info("Loki does not show its settings (/config); taking its defaults");
    const auto info = co_await get("/loki/api/v1/status/buildinfo");
    if (info)
        out.allow_structured_metadata = takes_structured_metadata(*info);
}

boost::asio::awaitable<void> shipping_program::probe_backfill_shard(bool& known) {
    http::request request = loki::backfill_shard_probe();
    request.idle_timeout = request.total_timeout = loki_timeout_;
    request.max_response_size = 64 * 1024;
    const auto answer = co_await http::send_whole(loki, std::move(request));
    known = !answer || loki::knows_backfill_shard(answer->head.status, answer->body);
}

bool shipping_program::loki_knows_backfill_shard() {
    bool out = true;
    run(probe_backfill_shard(out));
    return out;
}

loki_settings shipping_program::ask_loki() {
    loki_settings out;
    run(read_settings(out));
    return out;
}

ship::delivery_options shipping_program::delivery(const values& v, const loki_settings& settings) {
    ship::delivery_options out;
    out.push_timeout = v.duration("loki-timeout");
    out.late = v.text("late-entries") == "restamp" ? ship::late_entries::restamp : ship::late_entries::reject;
    out.ingester = settings.ingester;
    // Just below what Loki takes, so that a 429 is the exception.
    out.rate = ship::push_pacing::below_limit(settings.ingestion.ingestion_rate);
    if (const auto most = settings.ingestion.per_stream_rate_limit; most != 0)
        out.stream_rate = std::min(out.stream_rate, ship::push_pacing::below_limit(most));
    out.allow_structured_metadata =
        settings.allow_structured_metadata.value_or(v.flag("structured-metadata"));
    out.make_encoder = encoder(v);
    const std::string& path = v.text("rejects");
    if (path.empty())
        return out;
    const auto file = std::make_shared<std::ofstream>(path, std::ios::binary | std::ios::app);
    if (!*file)
        throw wrong_use_error("--rejects: '" + text::escape_for_log(path) +
                              "' cannot be opened: " + std::strerror(errno));
    out.on_rejected = [file, path, log = logger](const ship::rejection& r) {
        if (*file && !(*file << to_ndjson(r) << std::flush))
            log->error("rejected entries can no longer be written to {}: {}", text::escape_for_log(path),
                       std::strerror(errno));
    };
    return out;
}

void shipping_program::on_signal(std::function<void()> f) {
    on_signal_ = std::move(f);
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
}

void shipping_program::stop_softly(const std::function<void()>& stop) {
    stop();
    give_up_.expires_after(std::chrono::seconds(5));
    give_up_.async_wait([this](const error_code& ec) {
        if (!ec)
            cancel();
    });
}

void shipping_program::wait_for_tick() {
    if (!on_tick_)
        return;
    ticks_.expires_after(std::chrono::seconds(1));
    ticks_.async_wait([this](const error_code& ec) {
        if (ec || !running_)
            return;
        on_tick_();
        wait_for_tick();
    });
}

void shipping_program::wait_for_signal() {
    if (!on_signal_ || cancelled_)
        return;
    signals_.async_wait([this](const error_code& ec, int) {
        if (ec)
            return;
        signals_.clear();
        on_signal_();
    });
}

} // namespace lokiship::tools
