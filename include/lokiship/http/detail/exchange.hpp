#ifndef LOKISHIP_HTTP_DETAIL_EXCHANGE_HPP
#define LOKISHIP_HTTP_DETAIL_EXCHANGE_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/request_message.hpp>
#include <lokiship/http/detail/sink_body.hpp>
#include <lokiship/http/detail/time_limits.hpp>
#include <lokiship/http/message.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/none.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace lokiship::http::detail {

/// One connection to the server, and what was read ahead of its parser.
template <class Stream>
struct connection {
    explicit connection(Stream s)
        : stream(std::move(s)) {}
    Stream stream;
    boost::beast::flat_buffer buffer;
};

/// What became of one exchange on one connection.
struct outcome {
    result<response_head> answer;
    /// The connection can take another exchange.
    bool reusable = false;
    /// The connection failed before the first byte of an answer: as an idle one does that was closed.
    bool unanswered = false;
};

/// Sends `message` and reads its answer. Every message of an error starts with `where`.
template <class Stream>
boost::asio::awaitable<outcome> exchange(connection<Stream>& c, const request_message& message,
                                         const body_sink& sink, std::uint64_t max_response_size,
                                         std::size_t read_buffer_size, const time_limits& limits,
                                         const std::string& where) {
    namespace asio = boost::asio;
    namespace beast = boost::beast;
    namespace wire = boost::beast::http;
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    const auto timed_out = [&](const std::string& silence) {
        return outcome{error(errc::timed_out, where + ": " + (limits.over() ? limits.over_text() : silence))};
    };
    const auto cancelled = [&] {
        return outcome{error(asio::error::operation_aborted, where + ": cancelled")};
    };

    // A server may answer and close before it has read all; then sending fails, and the answer counts.
    error_code send_error;
    wire::request_serializer<wire::span_body<const char>> serializer(message);
    while (!serializer.is_done()) {
        if (limits.over())
            co_return timed_out({});
        limits.arm(c.stream);
        const auto [ec, n] = co_await wire::async_write_some(c.stream, serializer, token);
        if (ec == beast::error::timeout)
            co_return timed_out("the server took nothing for " + duration_text(limits.idle));
        if (ec == asio::error::operation_aborted)
            co_return cancelled();
        if (ec) {
            send_error = ec;
            break;
        }
    }

    std::optional<wire::response_parser<sink_body>> parser;
    const std::size_t capacity = std::max<std::size_t>(read_buffer_size, 32 * 1024);
    bool answered = false;
    for (;;) {
        if (!parser) {
            parser.emplace();
            parser->eager(true);
            parser->header_limit(16 * 1024);
            if (max_response_size != 0)
                parser->body_limit(max_response_size);
            else
                parser->body_limit(boost::none);
            parser->get().body().sink = &sink;
            parser->get().body().header = &parser->get().base();
        }
        auto& body = parser->get().body();
        error_code parse_error;
        bool ended = false;
        if (c.buffer.size() == 0 || answered) {
            if (limits.over())
                co_return timed_out({});
            if (c.buffer.size() >= capacity)
                co_return outcome{error(errc::unexpected_answer, where + ": the answer is malformed")};
            limits.arm(c.stream);
            const auto [ec, n] =
                co_await c.stream.async_read_some(c.buffer.prepare(capacity - c.buffer.size()), token);
            c.buffer.commit(n);
            answered = answered || n != 0;
            const std::string so_far = " after " + std::to_string(body.received) + " bytes";
            if (ec == beast::error::timeout) {
                co_return timed_out(parser->is_header_done()
                                        ? "the answer stopped" + so_far + " for " + duration_text(limits.idle)
                                        : "no answer for " + duration_text(limits.idle));
            } else if (ec == asio::error::operation_aborted) {
                co_return cancelled();
            } else if (ec == asio::error::eof && parser->got_some()) {
                parser->put_eof(parse_error);
                ended = true;
            } else if (ec && n == 0) {
                if (answered)
                    co_return outcome{
                        error(ec, where + ": the answer broke off" + so_far + ": " + ec.message())};
                std::string why = send_error ? "send: " + send_error.message()
                                  : ec == asio::error::eof
                                      ? "the server closed the connection without an answer"
                                      : "no answer: " + ec.message();
                co_return outcome{error(send_error ? send_error : ec, where + ": " + why), false, true};
            }
        }
        if (!ended)
            c.buffer.consume(parser->put(c.buffer.data(), parse_error));
        answered = true;
        if (body.failure) {
            if (body.failure->code == errc::unsupported_content_encoding && body.received == 0)
                body.failure->message = where + ": " + body.failure->message;
            co_return outcome{std::move(*body.failure)};
        }
        if (parse_error == wire::error::need_more)
            parse_error = {};
        if (parse_error == wire::error::body_limit)
            co_return outcome{
                error(errc::response_too_large,
                      where + ": the answer is larger than " + std::to_string(max_response_size) + " bytes")};
        if (parse_error == wire::error::partial_message)
            co_return outcome{error(parse_error, where + ": the answer broke off after " +
                                                     std::to_string(body.received) + " bytes")};
        if (parse_error)
            co_return outcome{
                error(errc::unexpected_answer, where + ": no valid HTTP answer: " + parse_error.message())};
        if (!parser->is_done())
            continue;
        // 100 Continue and its like announce the answer.
        if (parser->get().result_int() / 100 == 1 && parser->get().result_int() != 101) {
            parser.reset();
            answered = c.buffer.size() == 0;
            continue;
        }
        if (body.head.status == 0)
            static_cast<void>(body.take_head());
        const bool reusable = parser->keep_alive() && c.buffer.size() == 0 && !send_error && !ended;
        boost::beast::get_lowest_layer(c.stream).expires_never();
        co_return outcome{std::move(body.head), reusable};
    }
}

} // namespace lokiship::http::detail

#endif
