#ifndef LOKISHIP_HTTP_WHOLE_ANSWER_HPP
#define LOKISHIP_HTTP_WHOLE_ANSWER_HPP

#include <lokiship/http/transport.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http {

/// An answer that is small enough to be held.
struct whole_answer {
    response_head head;
    std::string body;
};

/// Sends a request and waits for all of its answer, of any status. `request.max_response_size` bounds it. Errors and
/// cancellation: those of the transport.
template <transport Transport>
boost::asio::awaitable<result<whole_answer>> send_whole(Transport& to, request r) {
    whole_answer out;
    const body_sink sink = [&out](const response_head&, std::string_view chunk) -> result<void> {
        out.body += chunk;
        return {};
    };
    auto head = co_await to.send(r, sink);
    if (!head)
        co_return head.error();
    out.head = std::move(*head);
    co_return std::move(out);
}

} // namespace lokiship::http

#endif
