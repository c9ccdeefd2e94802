#ifndef LOKISHIP_HTTP_DETAIL_REQUEST_MESSAGE_HPP
#define LOKISHIP_HTTP_DETAIL_REQUEST_MESSAGE_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/base64.hpp>
#include <lokiship/http/detail/route.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/transport_options.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/error.hpp>
#include <boost/beast/core/string_type.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/verb.hpp>

#include <string>
#include <string_view>

namespace lokiship::http::detail {

using request_message = boost::beast::http::request<boost::beast::http::span_body<const char>>;

inline bool breaks_a_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// `r` as it goes to a server. Refers to `r.body`. `authorization` is what the options' source gave.
inline result<request_message> make_message(const request& r, const route& way,
                                            const transport_options& options,
                                            const std::string& authorization) {
    namespace wire = boost::beast::http;
    const auto bad = [&](const std::string& what) {
        return error(boost::asio::error::invalid_argument,
                     way.where + ": " + what + " holds a line break or a zero byte");
    };
    const url& server = way.server;
    // A proxy that reads requests is told the whole URL.
    const bool read_by_proxy = way.proxy && !server.tls();
    const std::string target =
        (read_by_proxy ? server.scheme + "://" + server.host_header() : "") + server.path + r.target;
    if (breaks_a_line(target))
        return bad("the target");
    if (breaks_a_line(options.user_agent))
        return bad("the user agent");
    if (breaks_a_line(authorization))
        return bad("the authorization");
    request_message m;
    m.version(11);
    m.method(r.verb == method::get ? wire::verb::get : wire::verb::post);
    m.target(target);
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty() && !r.fields.contains(name) && !options.fields.contains(name))
            m.insert(boost::beast::string_view(name.data(), name.size()), value);
    };
    add("Host", server.host_header());
    if (read_by_proxy && !way.proxy->userinfo.empty())
        add("Proxy-Authorization", "Basic " + base64(way.proxy->userinfo));
    add("User-Agent", options.user_agent);
    add("Accept-Encoding", "gzip");
    if (!authorization.empty())
        add("Authorization", authorization);
    else if (!server.userinfo.empty())
        add("Authorization", "Basic " + base64(server.userinfo));
    for (const auto* fields : {&options.fields, &r.fields})
        for (const auto& [name, value] : *fields) {
            if (breaks_a_line(name) || breaks_a_line(value))
                return bad("the field " + text::escape_for_log(name, 60));
            if (fields == &r.fields || !r.fields.contains(name))
                m.insert(name, value);
        }
    m.body() = {r.body.data(), r.body.size()};
    if (r.verb == method::post || !r.body.empty())
        m.content_length(r.body.size());
    return m;
}

} // namespace lokiship::http::detail

#endif
