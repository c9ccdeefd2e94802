#ifndef LOKISHIP_SHIP_FETCH_HPP
#define LOKISHIP_SHIP_FETCH_HPP

#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/http/redirection.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship {

/// A failed fetch, with the status where the backend gave one.
struct fetch_error {
    error cause;
    unsigned status = 0;
};

namespace detail {

/// No more is read of an answer whose status is an error; its beginning says enough.
inline constexpr std::size_t max_refusal_size = 64 * 1024;

} // namespace detail

/// Reads one page from the backend, handing each record to `on_record` as it arrives.
///
/// Records that were handed on before an error are valid. The message names the URL. Transport errors keep
/// their code; a status other than 200 is `errc::bad_status`; a page that is none gives the error of
/// `page_reader`, which uses `scanner` where there is one.
template <http::transport Transport>
boost::asio::awaitable<boost::system::result<aoss::page_summary, fetch_error>>
fetch_page(Transport& backend, http::request request, aoss::page_reader::record_handler on_record,
           const aoss::page_limits& limits = {}, aoss::record_scanner* scanner = nullptr) {
    aoss::page_reader reader(std::move(on_record), limits, scanner);
    std::string refusal;
    std::optional<http::response_head> refused;
    std::optional<error> page_error;
    const std::string where = backend.server() + request.target.substr(0, request.target.find('?'));
    const http::body_sink sink = [&](const http::response_head& head,
                                     std::string_view chunk) -> result<void> {
        if (head.status == 200) {
            auto r = reader.write(chunk);
            if (!r)
                page_error = r.error();
            return r;
        }
        refusal += chunk;
        if (refusal.size() <= detail::max_refusal_size)
            return {};
        refused = head;
        return error(errc::bad_status, {});
    };
    auto head = co_await backend.send(request, sink);
    if (refused)
        head = std::move(*refused);
    if (page_error)
        co_return fetch_error{error(page_error->code, where + ": " + page_error->message), 200};
    if (!head)
        co_return fetch_error{head.error(), 0};
    if (head->status != 200) {
        std::string text = where + ": HTTP status " + std::to_string(head->status);
        text += http::redirection(*head);
        if (!refusal.empty())
            text += ": " + text::escape_for_log(refusal);
        co_return fetch_error{error(errc::bad_status, std::move(text)), head->status};
    }
    auto summary = reader.finish();
    if (!summary)
        co_return fetch_error{error(summary.error().code, where + ": " + summary.error().message), 200};
    co_return *summary;
}

} // namespace lokiship::ship

#endif
