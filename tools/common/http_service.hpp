#ifndef LOKISHIP_TOOLS_COMMON_HTTP_SERVICE_HPP
#define LOKISHIP_TOOLS_COMMON_HTTP_SERVICE_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lokiship::tools {

/// What somebody asks for.
struct service_request {
    /// Without its query.
    std::string_view path;
    std::string_view accept;
};
struct service_answer {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

/// A small HTTP server for those who look after a tool: GET and HEAD, HTTP/1.1, on the tool's own loop, which must never
/// wait for it. A request has at most 8 KiB, a connection ten seconds for each, and there are at most 64.
class http_service {
public:
    using handler = std::function<service_answer(const service_request&)>;
    using endpoint = boost::asio::ip::tcp::endpoint;

    /// Listens; what comes waits for `start`. Throws `system_error` where it cannot.
    http_service(boost::asio::any_io_executor executor, const endpoint& at, handler answer);
    http_service(const http_service&) = delete;
    http_service& operator=(const http_service&) = delete;
    /// Stops.
    ~http_service();

    /// Answers from now on. What `answer` throws becomes a 500.
    void start();
    /// Closes the port and every connection, so that nothing of it keeps the loop running.
    void stop();

    /// Where it listens, such as `http://127.0.0.1:9404`.
    std::string url() const;

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// Reads `HOST:PORT`, where the host is an address or `localhost`; nothing for what is none.
std::optional<http_service::endpoint> parse_listen_address(const std::string& text);

} // namespace lokiship::tools

#endif
