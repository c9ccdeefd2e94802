#ifndef LOKISHIP_HTTP_DETAIL_TUNNEL_HPP
#define LOKISHIP_HTTP_DETAIL_TUNNEL_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/base64.hpp>
#include <lokiship/http/detail/connect.hpp>
#include <lokiship/http/detail/route.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/beast/http/write.hpp>

#include <string>

namespace lokiship::http::detail {

/// Has the proxy, to which `stream` is connected, connect to the server (CONNECT).
inline boost::asio::awaitable<result<void>> open_tunnel(boost::beast::tcp_stream& stream, const route& way,
                                                        const connect_limit& limit) {
    namespace wire = boost::beast::http;
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    const std::string& host = way.server.host;
    const std::string target =
        (host.find(':') != host.npos ? '[' + host + ']' : host) + ':' + std::to_string(way.server.port);
    wire::request<wire::empty_body> question(wire::verb::connect, target, 11);
    question.set(wire::field::host, target);
    if (!way.proxy->userinfo.empty())
        question.set(wire::field::proxy_authorization, "Basic " + base64(way.proxy->userinfo));
    wire::response_parser<wire::empty_body> answer;
    answer.skip(true);
    answer.header_limit(16 * 1024);
    boost::beast::flat_buffer buffer;
    stream.expires_at(limit.until());
    auto [ec, n] = co_await wire::async_write(stream, question, token);
    if (!ec) {
        const auto [read_error, read] = co_await wire::async_read_header(stream, buffer, answer, token);
        ec = read_error;
    }
    if (ec == boost::beast::error::timeout)
        co_return limit.timed_out(way.where, "CONNECT");
    if (ec == boost::asio::error::operation_aborted)
        co_return error(ec, way.where + ": cancelled");
    if (ec)
        co_return error(ec, way.where + ": CONNECT: " + ec.message());
    const unsigned status = answer.get().result_int();
    const std::string refusal =
        way.where + ": the proxy refuses to connect with HTTP status " + std::to_string(status);
    if (status == 407)
        co_return error(errc::proxy_refused,
                        refusal + (way.proxy->userinfo.empty()
                                       ? "; it wants a user and password, in the proxy's URL"
                                       : "; it wants another user or password"));
    if (status / 100 != 2)
        co_return error(errc::proxy_refused, refusal);
    if (buffer.size() != 0)
        co_return error(errc::unexpected_answer,
                        way.where + ": the proxy sent more than its answer to CONNECT");
    co_return result<void>();
}

} // namespace lokiship::http::detail

#endif
