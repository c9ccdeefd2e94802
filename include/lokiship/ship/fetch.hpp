#ifndef LOKISHIP_SHIP_FETCH_HPP
#define LOKISHIP_SHIP_FETCH_HPP

#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
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

/// Reads one page from the backend, handing each record to `on_record` as it arrives.
///
/// Records that were handed on before an error are valid. The message names the URL. Transport errors keep
/// their code; a status other than 200 is `errc::bad_status`; a page that is none gives the error of
/// `page_reader`.
template <http::transport Transport>
boost::asio::awaitable<boost::system::result<aoss::page_summary, fetch_error>>
fetch_page(Transport& backend, http::request request, aoss::page_reader::record_handler on_record) {
    aoss::page_reader reader(std::move(on_record));
    std::string refusal;
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
        // Enough to say what the server said.
        refusal.append(chunk.substr(0, 1024 - std::min<std::size_t>(refusal.size(), 1024)));
        return {};
    };
    auto head = co_await backend.send(request, sink);
    if (page_error)
        co_return fetch_error{error(page_error->code, where + ": " + page_error->message), 200};
    if (!head)
        co_return fetch_error{head.error(), 0};
    if (head->status != 200) {
        std::string text = where + ": HTTP status " + std::to_string(head->status);
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
