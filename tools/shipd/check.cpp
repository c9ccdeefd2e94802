#include "shipd/check.hpp"

#include "common/labels.hpp"
#include "common/program.hpp"
#include "shipd/options.hpp"

#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/http/redirection.hpp>
#include <lokiship/http/whole_answer.hpp>
#include <lokiship/loki/query.hpp>
#include <lokiship/loki/selector.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/error.hpp>

#include <spdlog/fmt/fmt.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <iostream>
#include <optional>
#include <utility>

namespace lokiship::tools {

namespace {

constexpr std::chrono::seconds much_skew{60};
const loki::labels probe_stream{{"job", "lokiship_check"}};

/// What was found, as it is printed.
class findings {
public:
    void good(const std::string& what) { print("ok   ", what, {}); }
    void warn(const std::string& what, const std::string& remedy) { print("warn ", what, remedy); }
    void bad(const std::string& what, const std::string& remedy, int code) {
        print("FAIL ", what, remedy);
        if (code_ == all_shipped)
            code_ = code;
    }
    int code() const noexcept { return code_; }

private:
    static void print(std::string_view mark, const std::string& what, const std::string& remedy) {
        std::cout << mark << what << '\n';
        if (!remedy.empty())
            std::cout << "     " << remedy << '\n';
        std::cout.flush();
    }

    int code_ = all_shipped;
};

std::string duration_text(std::chrono::nanoseconds d) {
    const auto s = std::chrono::duration_cast<std::chrono::seconds>(d).count();
    if (s >= 2 * 24 * 3600)
        return std::to_string(s / (24 * 3600)) + " days";
    if (s >= 2 * 3600)
        return std::to_string(s / 3600) + " h";
    return s >= 120 ? std::to_string(s / 60) + " min" : std::to_string(s) + " s";
}

/// How far a server's clock is ahead of this one, by its field `Date`.
std::optional<std::chrono::seconds> skew(const http::response_head& head, timestamp now) {
    std::tm parts{};
    const std::string date(head.fields.get("Date"));
    if (strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr)
        return std::nullopt;
    const std::chrono::seconds there{timegm(&parts)};
    return there - std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
}

/// One run over all servers.
class checker {
public:
    explicit checker(const values& v)
        : values_(v)
        , program_("shipd", v) {}

    int run() {
        for (const auto& one : backends_of(values_)) {
            const std::string name = "backend " + one.text("name");
            try {
                transport backend = program_.reach(one, "backend");
                program_.run(ask_backend(backend, name));
            } catch (const wrong_use_error& e) {
                out_.bad(name + ": " + e.what(), {}, wrong_use);
            }
        }
        const loki_settings settings = program_.ask_loki();
        program_.run(ask_loki(settings));
        return out_.code();
    }

private:
    std::string text_of(const http::whole_answer& a, const std::string& what) const {
        return what + ": HTTP status " + std::to_string(a.head.status) + http::redirection(a.head) +
               (a.body.empty() ? "" : ": " + text::escape_for_log(a.body));
    }
    void look_at_clock(const http::response_head& head, const std::string& who) {
        const auto ahead = skew(head, program_.time.wall_now());
        if (!ahead)
            return;
        if (std::chrono::abs(*ahead) <= much_skew)
            out_.good(who + ": its clock agrees with this one");
        else
            out_.warn(who + ": its clock is " + duration_text(std::chrono::abs(*ahead)) +
                          (ahead->count() > 0 ? " ahead of" : " behind") + " this one",
                      "let both follow NTP; Loki refuses what is more than ten minutes ahead of its clock");
    }

    boost::asio::awaitable<void> ask_backend(transport& backend, std::string name) {
        name += " (" + backend.server() + ')';
        http::request r = aoss::logs_request({1});
        r.idle_timeout = r.total_timeout = values_.duration("backend-timeout");
        r.max_response_size = 64 * 1024 * 1024;
        const auto answer = co_await http::send_whole(backend, std::move(r));
        if (!answer) {
            out_.bad(name + ": " + answer.error().message, remedy_of(answer.error(), "backend"),
                     backend_failed);
            co_return;
        }
        if (answer->head.status != 200) {
            out_.bad(text_of(*answer, name), remedy_of(answer->head.status, answer->body, "backend"),
                     backend_failed);
            co_return;
        }
        std::optional<timestamp> newest;
        aoss::page_reader reader([&newest](aoss::execution_record& record) {
            if (const auto time = text::parse_timestamp(record.timestamp))
                newest = std::max(newest.value_or(*time), *time);
        });
        auto page = reader.write(answer->body);
        if (page)
            if (const auto end = reader.finish(); !end)
                page = end.error();
        if (!page) {
            out_.bad(name + ": the answer is no page of logs: " + page.error().message,
                     "does --backend name an AOSS backend, with the path that a proxy may want?",
                     backend_failed);
            co_return;
        }
        if (newest)
            out_.good(name + ": answers; its newest execution is " +
                      duration_text(program_.time.wall_now() - *newest) + " old");
        else
            out_.warn(name + ": answers, and has no execution", "have AOSS execute something");
        look_at_clock(answer->head, name);
    }

    http::request to_loki(http::request r) const {
        r.idle_timeout = r.total_timeout = values_.duration("loki-timeout");
        r.max_response_size = 1024 * 1024;
        return r;
    }
    http::request push_of(timestamp time, const std::string& line) const {
        const auto encode = encoder(values_)();
        encode->begin_stream(loki::with_labels(probe_stream, labels_of(values_, "external-label")));
        encode->add(time, line);
        http::request r;
        r.verb = http::method::post;
        r.target = "/loki/api/v1/push";
        r.fields.add("Content-Type", std::string(encode->content_type()));
        if (!encode->content_encoding().empty())
            r.fields.add("Content-Encoding", std::string(encode->content_encoding()));
        r.body = encode->finish();
        return to_loki(std::move(r));
    }

    boost::asio::awaitable<void> ask_loki(loki_settings settings) {
        const std::string name = "Loki (" + program_.loki.server() + ')';
        const timestamp now = program_.time.wall_now();
        const std::string line =
            fmt::format("shipd --check on {} as process {}", text::format_rfc3339(now), getpid());
        http::request push = push_of(now, line);
        const auto pushed = co_await http::send_whole(program_.loki, std::move(push));
        if (!pushed) {
            out_.bad(name + ": " + pushed.error().message, remedy_of(pushed.error(), "loki"), loki_failed);
            co_return;
        }
        look_at_clock(pushed->head, name);
        if (pushed->head.status != 204 && pushed->head.status != 200) {
            out_.bad(text_of(*pushed, name + ": a push"),
                     remedy_of(pushed->head.status, pushed->body, "loki"), loki_failed);
            co_return;
        }
        out_.good(name + ": took a line into {job=\"lokiship_check\"}");
        tell_limits(name, settings);
        co_await read_back(name, now, line);
    }

    void tell_limits(const std::string& name, const loki_settings& s) {
        if (!s.ingester.known)
            out_.warn(name + ": does not show its limits (/config); its defaults are assumed",
                      "let shipd read /config, or see to it that they are not lower");
        if (values_.flag("structured-metadata") && !s.allow_structured_metadata.value_or(true))
            out_.warn(name + ": takes no structured metadata, so entries are shipped without",
                      "Loki 3 takes it: see limits_config.allow_structured_metadata; or leave "
                      "--structured-metadata off");
        out_.good(fmt::format(
            "{}: takes {} bytes a second, and into a stream nothing older than its newest less {}", name,
            s.ingestion.ingestion_rate, duration_text(s.ingester.window())));
    }

    boost::asio::awaitable<void> read_back(std::string name, timestamp time, std::string line) {
        const steady_time until = program_.time.steady_now() + values_.duration("loki-timeout");
        const std::string query = loki::selector(probe_stream);
        std::string last = "it is not there";
        for (bool more = true; more; more = program_.time.steady_now() < until) {
            http::request r = to_loki(loki::query_range_request(
                query, time, time + std::chrono::nanoseconds(1), 5000, loki::direction::forward));
            const auto answer = co_await http::send_whole(program_.loki, std::move(r));
            if (!answer) {
                last = answer.error().message;
            } else if (answer->head.status != 200) {
                out_.bad(text_of(*answer, name + ": reading that line back"),
                         remedy_of(answer->head.status, answer->body, "loki"), loki_failed);
                co_return;
            } else if (answer->body.find(line) != answer->body.npos) {
                out_.good(name + ": shows that line");
                co_return;
            }
            co_await program_.time.sleep_for(std::chrono::milliseconds(250));
        }
        out_.bad(name + ": that line could not be read back: " + last,
                 "is what is asked the Loki that is pushed to, with the same tenant? Then see its log",
                 loki_failed);
    }

    values values_;
    shipping_program program_;
    findings out_;
};

} // namespace

std::string remedy_of(const error& failure, std::string_view side) {
    const std::string option = "--" + std::string(side);
    namespace net = boost::asio::error;
    if (failure.code == net::host_not_found || failure.code == net::host_not_found_try_again)
        return "nobody knows this name: is it right in " + option +
               ", and does DNS answer here (getent hosts NAME)?";
    if (failure.code == net::connection_refused)
        return "nothing listens there: is it running, and is the port right in " + option + '?';
    if (failure.code == errc::timed_out || failure.code == net::timed_out ||
        failure.code == net::host_unreachable || failure.code == net::network_unreachable)
        return "nothing comes back: is there a firewall or a proxy on the way, is the server overloaded?";
    if (failure.message.find("TLS: ") != std::string::npos)
        return "see " + option + "-ca, " + option + "-cert, and whether the URL's host is the certificate's";
    if (failure.code == errc::unusable_credentials)
        return "see " + option + "-token-file and " + option + "-password-file";
    return "see the server's log";
}

std::string remedy_of(unsigned status, std::string_view text, std::string_view side) {
    const std::string option = "--" + std::string(side);
    const bool loki = side == "loki";
    if (status == 401 && loki && text.find("no org id") != text.npos)
        return "this Loki has tenants: name yours with --tenant";
    if (status == 401 || status == 403)
        return "it wants other credentials: see " + option + "-user, " + option + "-token-file" +
               (loki ? ", --tenant" : "") + ", and what they may do";
    if (status == 407)
        return "the proxy wants a user and password, in the proxy's URL";
    if (status == 404 || status == 405)
        return "something else answers there: see " + option + ", and its path";
    if (status / 100 == 3)
        return "name the address that it points to with " + option;
    if (status == 260)
        return "the operator has blocked ingestion for this tenant";
    if (status == 429)
        return "its limits are reached: raise ingestion_rate_mb, or see who else pushes";
    if (status == 400 && loki)
        return "Loki does not take it: see its text, and its limits_config";
    return "see the server's log";
}

int check(const values& v) {
    return checker(v).run();
}

} // namespace lokiship::tools
