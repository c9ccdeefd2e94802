#ifndef LOKISHIP_HTTP_MESSAGE_HPP
#define LOKISHIP_HTTP_MESSAGE_HPP

#include <lokiship/error.hpp>

#include <boost/algorithm/string/predicate.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::http {

/// The request methods in use: reading from AOSS is `get`, pushing to Loki is `post`.
enum class method {
    get,
    post
};

/// The method's name on the wire.
constexpr std::string_view to_string(method m) noexcept {
    return m == method::get ? "GET" : "POST";
}

/// Header fields in the order in which they were added. Names compare without regard to case.
class headers {
public:
    using value_type = std::pair<std::string, std::string>;

    headers() = default;
    headers(std::initializer_list<value_type> fields)
        : fields_(fields) {}

    /// Adds a field; one of the same name stays beside it.
    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }

    /// The first field's value, or an empty view where there is none. Valid until the object changes.
    std::string_view get(std::string_view name) const noexcept {
        for (const auto& [n, v] : fields_)
            if (boost::algorithm::iequals(n, name))
                return v;
        return {};
    }
    /// True where there is such a field, an empty one included.
    bool contains(std::string_view name) const noexcept {
        for (const auto& [n, v] : fields_)
            if (boost::algorithm::iequals(n, name))
                return true;
        return false;
    }

    auto begin() const noexcept { return fields_.begin(); }
    auto end() const noexcept { return fields_.end(); }
    std::size_t size() const noexcept { return fields_.size(); }

private:
    std::vector<value_type> fields_;
};

/// One request to the server that a transport is connected to.
struct request {
    method verb = method::get;
    /// Path and query, as they go on the wire, for example `/api/monitoring/logs?limit=100`.
    std::string target = "/";
    headers fields{};
    /// Sent with a Content-Length; empty for `get`.
    std::string body{};
    /// The longest silence that is borne: connecting, or waiting for the next byte in either direction. Zero:
    /// no limit.
    std::chrono::nanoseconds idle_timeout = std::chrono::seconds(30);
    /// The longest the whole exchange may take, connecting included. Zero: no limit.
    std::chrono::nanoseconds total_timeout{};
    /// The largest answer body that is read, in bytes after decoding. Zero: no limit.
    std::uint64_t max_response_size = 0;
};

/// An answer without its body, which goes to the `body_sink`.
struct response_head {
    unsigned status = 0;
    headers fields{};
};

/// Takes an answer's body, chunk by chunk, as it arrives. Each call gets the head too, so that a sink can
/// tell a page from an error text. The chunk is valid during the call. An error ends the exchange and becomes
/// its result.
using body_sink = std::function<result<void>(const response_head&, std::string_view chunk)>;

} // namespace lokiship::http

#endif
