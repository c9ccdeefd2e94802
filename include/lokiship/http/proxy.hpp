#ifndef LOKISHIP_HTTP_PROXY_HPP
#define LOKISHIP_HTTP_PROXY_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/url.hpp>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http {

/// An environment variable's value; nothing where it is not set.
using environment = std::function<std::optional<std::string>(const std::string&)>;

/// True where a host is this machine by its name: `localhost`, what ends with `.localhost`, 127.0.0.0/8 or `::1`.
inline bool is_loopback(const std::string& host) {
    error_code no_address;
    const auto address = boost::asio::ip::make_address(host, no_address);
    return no_address ? boost::algorithm::iequals(host, "localhost") ||
                            boost::algorithm::iends_with(host, ".localhost")
                      : address.is_loopback();
}

namespace detail {

/// Whether an element of `NO_PROXY` covers a server: a name and what ends with it behind a dot, an address, or a
/// network such as `10.0.0.0/8`; names and addresses perhaps with a port.
inline bool is_covered(const url& server, std::string_view element) {
    namespace ip = boost::asio::ip;
    std::string host = server.host, wanted(element);
    if (wanted == "*")
        return true;
    error_code no_address, no_network;
    const auto address = ip::make_address(host, no_address);
    if (wanted.find('/') != wanted.npos) {
        if (no_address)
            return false;
        if (address.is_v4()) {
            const auto net = ip::make_network_v4(wanted, no_network);
            return !no_network &&
                   ip::network_v4(address.to_v4(), net.prefix_length()).canonical() == net.canonical();
        }
        const auto net = ip::make_network_v6(wanted, no_network);
        return !no_network &&
               ip::network_v6(address.to_v6(), net.prefix_length()).canonical() == net.canonical();
    }
    // An IPv6 address has colons of its own.
    const auto colon = wanted.rfind(':');
    if (colon != wanted.npos && (wanted.find(':') == colon || (colon > 0 && wanted[colon - 1] == ']'))) {
        if (wanted.substr(colon + 1) != std::to_string(server.port))
            return false;
        wanted.resize(colon);
    }
    if (wanted.starts_with('[') && wanted.ends_with(']'))
        wanted = wanted.substr(1, wanted.size() - 2);
    if (!no_address) {
        error_code neither;
        return ip::make_address(wanted, neither) == address && !neither;
    }
    for (std::string* name : {&host, &wanted})
        if (name->ends_with('.'))
            name->pop_back();
    if (wanted.starts_with('.'))
        wanted.erase(0, 1);
    return !wanted.empty() &&
           (boost::algorithm::iequals(host, wanted) || boost::algorithm::iends_with(host, '.' + wanted));
}

} // namespace detail

/// The proxy by which a server is reached, as the environment has it; nothing: none.
///
/// As curl reads them: `https_proxy` or `HTTPS_PROXY` for `https`, `http_proxy` for `http` (not `HTTP_PROXY`, which a
/// request's header `Proxy` sets where a program runs by CGI), else `all_proxy` or `ALL_PROXY`; but not for what
/// `no_proxy` or `NO_PROXY` names, parted by commas or blanks: `*`, names, which cover what ends with them behind a dot,
/// addresses, networks, each but the last perhaps with a port. An empty variable is none. Other than with curl, this
/// machine itself (`is_loopback`) has no proxy, and a proxy without a port has port 80.
///
/// Error: `errc::invalid_url`, naming the variable, where it is no `http` URL. The scheme may be left out.
inline result<std::optional<url>> proxy_for(const url& server, const environment& get) {
    const auto first =
        [&get](
            std::initializer_list<const char*> names) -> std::optional<std::pair<std::string, std::string>> {
        for (const std::string name : names)
            if (auto value = get(name); value && !value->empty())
                return std::pair(name, std::move(*value));
        return std::nullopt;
    };
    const auto found = server.tls() ? first({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
                                    : first({"http_proxy", "all_proxy", "ALL_PROXY"});
    if (!found || is_loopback(server.host))
        return std::optional<url>();
    if (const auto except = first({"no_proxy", "NO_PROXY"})) {
        std::string_view list = except->second;
        while (!list.empty()) {
            const auto end = std::min(list.find_first_of(", \t"), list.size());
            if (end != 0 && detail::is_covered(server, list.substr(0, end)))
                return std::optional<url>();
            list.remove_prefix(std::min(end + 1, list.size()));
        }
    }
    const auto& [name, value] = *found;
    auto parsed = parse_url(value.find("://") == value.npos ? "http://" + value : value);
    if (!parsed)
        return error(parsed.error().code, name + ": " + parsed.error().message);
    if (parsed->tls())
        return error(errc::invalid_url, name + ": " + parsed->display() +
                                            " is a proxy with TLS to itself, which is not "
                                            "supported; use an http:// one");
    return std::optional<url>(std::move(*parsed));
}

} // namespace lokiship::http

#endif
