#ifndef LOKISHIP_HTTP_BEAST_TRANSPORT_HPP
#define LOKISHIP_HTTP_BEAST_TRANSPORT_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/connect.hpp>
#include <lokiship/http/detail/pooled_transport.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/http/transport_options.hpp>
#include <lokiship/http/url.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace lokiship::http {

/// A `transport` over plain HTTP/1.1, made of Boost alone.
///
/// Connections are kept open and used again; several exchanges at once take one each. The answer's body goes
/// to the sink in pieces of at most `read_buffer_size`, whether it comes with a length, in chunks, or until
/// the connection closes; it is never held whole. A body in gzip is decoded on the way, the head's fields
/// stay as they came.
///
/// Not thread-safe: all of it belongs on the one thread, or the strand, of `executor`. The object may be
/// destroyed while exchanges are under way; they go on. Objects are moved, not copied; a moved-from one may
/// only be destroyed or assigned to.
class beast_transport {
public:
    /// Connects to nothing yet. `executor`'s context outlives the object.
    beast_transport(boost::asio::any_io_executor executor, url server, transport_options options = {})
        : pool_(std::make_shared<pool>(std::move(executor), std::move(server), options,
                                       detail::plain_connector{options.connect_timeout})) {}
    beast_transport(beast_transport&&) noexcept = default;
    beast_transport& operator=(beast_transport&&) noexcept = default;
    beast_transport(const beast_transport&) = delete;
    beast_transport& operator=(const beast_transport&) = delete;
    ~beast_transport() = default;

    /// Sends `r`, whose target follows the URL's path, and hands the answer's body to `sink`; an empty `sink`
    /// drops it. Both live until it completes. `Host`, `User-Agent`, `Accept-Encoding: gzip`, the options' fields and,
    /// where the options or the URL give one, `Authorization` are sent besides the request's fields, of which one of
    /// these names takes precedence.
    ///
    /// Errors, whose messages start with the server's URL, and the proxy's behind it:
    /// - `errc::tls_not_supported`: the URL is an `https` one.
    /// - `errc::timed_out`: a limit of the request or of the options passed; the message says which.
    /// - `errc::response_too_large`: at once where a body without encoding announces its length, else before
    ///   the sink gets more than the limit; also where twice the limit and 64 KiB came of a gzip body that
    ///   decodes to less.
    /// - `errc::unsupported_content_encoding`: nothing of the body went to the sink.
    /// - `errc::corrupt_content_encoding`: a gzip body that is damaged or cut off. The checksum stands at its
    ///   end, so what went to the sink may be wrong.
    /// - `errc::unexpected_answer`: no HTTP, a head of more than 16 KiB, or more than a hundred interim ones (1xx).
    /// - `boost::beast::http::error::partial_message`: the connection closed within the answer.
    /// - `boost::asio::error::invalid_argument`: the target or a field would break the head.
    /// - that of `transport_options::authorization`, where it has not given a value yet. Nothing was sent.
    /// - `boost::asio::error::operation_aborted`: the coroutine was cancelled.
    /// - the system's code: no address, no connection, connection lost.
    /// - the sink's own error, unchanged. What the sink throws is thrown on.
    ///
    /// A connection on which anything fails is closed. A kept one that fails before the first byte of an
    /// answer is replaced by a new one, once, and the request sent again.
    ///
    /// Terminal cancellation of the awaiting coroutine abandons the exchange and closes its connection; what
    /// the server did is then unknown. A resolution under way goes on in Asio's thread, and keeps the context
    /// running, until the system's resolver gives up.
    boost::asio::awaitable<result<response_head>> send(const request& r, const body_sink& sink) {
        return pool::send(pool_, r, sink);
    }

    /// The server's URL without its password.
    std::string server() const { return pool_->server(); }

    /// The number of connections that wait for their next exchange; some may have been closed by the server.
    std::size_t idle_connections() const noexcept { return pool_->idle(); }
    /// Closes the connections that wait for their next exchange.
    void close_idle_connections() noexcept { pool_->close_idle(); }

private:
    using pool = detail::pooled_transport<detail::plain_connector>;

    std::shared_ptr<pool> pool_;
};

static_assert(transport<beast_transport>);

} // namespace lokiship::http

#endif
