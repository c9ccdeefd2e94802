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

/// What is to be exchanged, whichever connection serves it.
struct exchange_params {
    const request_message& message;
    const body_sink& sink;
    std::uint64_t max_response_size;
    std::size_t read_buffer_size;
    const time_limits& limits;
    /// Every message of an error starts with it.
    const std::string& where;
};

/// What became of one exchange on one connection.
struct outcome {
    result<response_head> answer;
    /// The connection can take another exchange.
    bool reusable = false;
    /// The connection failed before the first byte of an answer: as an idle one does that was closed.
    bool unanswered = false;
};

/// Sends a message over a connection and reads its answer. `Connector` is as `pooled_transport` has it.
template <class Connector>
class exchange {
public:
    exchange(connection<typename Connector::stream_type>& c, const exchange_params& params)
        : c_(c)
        , p_(params)
        , capacity_(std::max<std::size_t>(params.read_buffer_size, 32 * 1024)) {}
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    boost::asio::awaitable<outcome> run() {
        start_answer();
        std::optional<outcome> end = co_await write();
        while (!end)
            end = co_await read();
        boost::beast::get_lowest_layer(c_.stream).expires_never();
        co_return std::move(*end);
    }

private:
    using maybe_outcome = std::optional<outcome>;

    static constexpr unsigned max_interim = 100;
    static constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);

    boost::asio::awaitable<maybe_outcome> write() {
        namespace wire = boost::beast::http;
        wire::request_serializer<wire::span_body<const char>> serializer(p_.message);
        while (!serializer.is_done()) {
            if (p_.limits.over())
                co_return timed_out({});
            p_.limits.arm(c_.stream);
            const auto [ec, n] = co_await wire::async_write_some(c_.stream, serializer, token);
            if (ec == boost::beast::error::timeout)
                co_return timed_out("the server took nothing for " + duration_text(p_.limits.idle));
            if (ec == boost::asio::error::operation_aborted)
                co_return fail(ec, "cancelled");
            // A server may answer and close before it has read all; then the answer counts.
            if (ec) {
                send_error_ = ec;
                break;
            }
        }
        co_return std::nullopt;
    }

    boost::asio::awaitable<maybe_outcome> read() {
        if (p_.limits.over())
            co_return timed_out({});
        if (c_.buffer.size() >= capacity_)
            co_return fail(errc::unexpected_answer, "the answer is malformed");
        p_.limits.arm(c_.stream);
        const auto [ec, n] =
            co_await c_.stream.async_read_some(c_.buffer.prepare(capacity_ - c_.buffer.size()), token);
        c_.buffer.commit(n);
        if (n == 0 && ec)
            co_return broken_off(ec);
        answered_ = true;
        co_return parse();
    }

    /// The connection gave nothing but `ec`.
    maybe_outcome broken_off(const error_code& ec) {
        if (ec == boost::beast::error::timeout)
            return timed_out((parser_->is_header_done() ? "the answer stopped" + so_far() : "no answer") +
                             " for " + duration_text(p_.limits.idle));
        if (ec == boost::asio::error::operation_aborted)
            return fail(ec, "cancelled");
        if (ec == boost::asio::error::eof && parser_->got_some()) {
            error_code parse_error;
            parser_->put_eof(parse_error);
            ended_ = true;
            return judge(parse_error);
        }
        if (answered_)
            return fail(ec, "the answer broke off" + so_far() + ": " + Connector::failure(c_.stream, ec));
        outcome o = send_error_ ? fail(send_error_, "send: " + Connector::failure(c_.stream, send_error_))
                    : ec == boost::asio::error::eof
                        ? fail(ec, "the server closed the connection without an answer")
                        : fail(ec, "no answer: " + Connector::failure(c_.stream, ec));
        o.unanswered = true;
        return o;
    }

    maybe_outcome parse() {
        // Beast 1.81 asserts that it gets the last chunk in no fewer; so many are to come in any case.
        constexpr std::size_t last_chunk = 5;
        if (parser_->is_header_done() && parser_->chunked() && c_.buffer.size() < last_chunk)
            return std::nullopt;
        maybe_outcome end;
        do {
            error_code parse_error;
            c_.buffer.consume(parser_->put(c_.buffer.data(), parse_error));
            end = judge(parse_error);
            // 100 Continue and its like announce the answer, which may have come with them.
        } while (!end && !parser_->got_some() && c_.buffer.size() != 0);
        return end;
    }

    /// Nothing where the answer goes on.
    maybe_outcome judge(const error_code& parse_error) {
        namespace wire = boost::beast::http;
        if (body().failure())
            return outcome{*body().failure()};
        if (parse_error == wire::error::partial_message)
            return fail(parse_error, "the answer broke off" + so_far());
        if (parse_error && parse_error != wire::error::need_more)
            return fail(errc::unexpected_answer, "no valid HTTP answer: " + parse_error.message());
        if (!parser_->is_done())
            return std::nullopt;
        const unsigned status = parser_->get().result_int();
        // Beast takes any three digits.
        if (status < 100)
            return fail(errc::unexpected_answer, "no valid HTTP answer: bad status");
        if (status / 100 == 1 && status != 101) {
            if (++interim_ > max_interim)
                return fail(errc::unexpected_answer,
                            "more than " + std::to_string(max_interim) + " interim answers");
            start_answer();
            return std::nullopt;
        }
        const bool reusable = parser_->keep_alive() && c_.buffer.size() == 0 && !send_error_ && !ended_;
        return outcome{body().release_head(), reusable};
    }

    void start_answer() {
        parser_.emplace();
        parser_->eager(true);
        parser_->header_limit(16 * 1024);
        // The body counts for itself, since the limit is one of decoded bytes.
        parser_->body_limit(boost::none);
        body().start(parser_->get().base(), p_.sink, p_.max_response_size, p_.where);
    }

    body_delivery& body() { return parser_->get().body(); }
    std::string so_far() { return " after " + std::to_string(body().received()) + " bytes"; }
    outcome fail(const error_code& code, const std::string& why) const {
        return outcome{error(code, p_.where + ": " + why)};
    }
    outcome timed_out(const std::string& silence) const {
        return fail(errc::timed_out, p_.limits.over() ? p_.limits.over_text() : silence);
    }

    connection<typename Connector::stream_type>& c_;
    const exchange_params& p_;
    std::size_t capacity_;
    std::optional<boost::beast::http::response_parser<sink_body>> parser_;
    error_code send_error_;
    bool answered_ = false;
    unsigned interim_ = 0;
    /// The connection was closed at the answer's end.
    bool ended_ = false;
};

} // namespace lokiship::http::detail

#endif
