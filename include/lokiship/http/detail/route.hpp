#ifndef LOKISHIP_HTTP_DETAIL_ROUTE_HPP
#define LOKISHIP_HTTP_DETAIL_ROUTE_HPP

#include <lokiship/http/url.hpp>

#include <optional>
#include <string>
#include <utility>

namespace lokiship::http::detail {

/// The way to a server.
struct route {
    route(url to, std::optional<url> by)
        : server(std::move(to))
        , proxy(std::move(by))
        , where(server.display() + (proxy ? " via proxy " + proxy->display() : "")) {}

    /// Where connections go.
    const url& next() const noexcept { return proxy ? *proxy : server; }

    url server;
    std::optional<url> proxy;
    /// Every message of an error starts with it.
    std::string where;
};

} // namespace lokiship::http::detail

#endif
