#ifndef LOKISHIP_HTTP_DETAIL_POOLED_TRANSPORT_HPP
#define LOKISHIP_HTTP_DETAIL_POOLED_TRANSPORT_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/complaint.hpp>
#include <lokiship/http/detail/exchange.hpp>
#include <lokiship/http/detail/request_message.hpp>
#include <lokiship/http/detail/route.hpp>
#include <lokiship/http/detail/time_limits.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/transport_options.hpp>
#include <lokiship/http/url.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::http::detail {

/// A pool of connections and the exchanges over it, for any kind of stream.
///
/// `Connector` has `stream_type`, `tls`, `make(executor)`, `connect(stream, route, limits)` giving
/// `awaitable<result<void>>`, `usable(stream)`, which tells whether an idle connection is still good, `failure(stream,
/// code)`, what a failure means, and `unmet(stream)`, what the server wanted and did not get, or nothing. The exchanges
/// under way share the object's ownership.
template <class Connector>
class pooled_transport {
public:
    pooled_transport(boost::asio::any_io_executor executor, url server, transport_options options,
                     Connector connector)
        : executor_(std::move(executor))
        , way_(std::move(server), options.proxy)
        , options_(std::move(options))
        , connector_(std::move(connector)) {}

    /// The server's URL without its password.
    std::string server() const { return way_.server.display(); }
    std::size_t idle() const noexcept { return idle_.size(); }
    void close_idle() noexcept { idle_.clear(); }

    /// `self` keeps the pool alive for as long as the coroutine needs it.
    static boost::asio::awaitable<result<response_head>> send(std::shared_ptr<pooled_transport> self,
                                                              const request& r, const body_sink& sink) {
        if (self->way_.server.tls() != Connector::tls)
            co_return error(errc::tls_not_supported, self->way_.where + ": this transport does not support " +
                                                         self->way_.server.scheme);
        time_limits limits;
        limits.idle = r.idle_timeout;
        limits.total = r.total_timeout;
        limits.total_at = deadline_after(std::chrono::steady_clock::now(), r.total_timeout);
        const result<std::string> authorization = self->authorize();
        if (!authorization)
            co_return authorization.error();
        const result<request_message> message = make_message(r, self->way_, self->options_, *authorization);
        if (!message)
            co_return message.error();
        const exchange_params params{
            *message, sink, r.max_response_size, self->options_.read_buffer_size, limits, self->way_.where};
        connection_ptr c = self->take();
        if (c) {
            exchange<Connector> over_kept(*c, params);
            outcome o = co_await over_kept.run();
            if (!o.unanswered) {
                self->judge(*c, o);
                if (o.reusable)
                    self->give_back(std::move(c));
                co_return std::move(o.answer);
            }
        }
        c = std::make_unique<connection<stream_type>>(self->connector_.make(self->executor_));
        const result<void> connected = co_await self->connector_.connect(c->stream, self->way_, limits);
        if (!connected)
            co_return connected.error();
        exchange<Connector> over_new(*c, params);
        outcome o = co_await over_new.run();
        self->judge(*c, o);
        if (o.reusable)
            self->give_back(std::move(c));
        co_return std::move(o.answer);
    }

private:
    using stream_type = typename Connector::stream_type;
    using connection_ptr = std::unique_ptr<connection<stream_type>>;

    result<std::string> authorize() {
        if (!options_.authorization)
            return std::string();
        auto now = options_.authorization();
        if (now) {
            authorization_ = *now;
            unauthorized_.is_well();
            return now;
        }
        if (!authorization_)
            return error(now.error().code, way_.where + ": credentials: " + now.error().message);
        unauthorized_.tell(options_.warn, way_.where + ": credentials: " + now.error().message +
                                              "; the former ones stay in use");
        return *authorization_;
    }

    /// What a server wanted in the handshake, it may miss by a status only, as nginx does.
    void judge(connection<stream_type>& c, const outcome& o) {
        if (!o.answer)
            return;
        const unsigned s = o.answer->status;
        const auto tell = [&](std::string_view what) {
            unmet_.tell(options_.warn,
                        way_.where + ": HTTP status " + std::to_string(s) + "; " + std::string(what));
        };
        const std::string_view unmet = Connector::unmet(c.stream);
        if (s == 407 && way_.proxy)
            tell("the proxy wants another user or password, in the proxy's URL");
        else if (!unmet.empty() && (s == 400 || s == 401 || s == 403 || s == 495 || s == 496))
            tell(unmet);
        else
            unmet_.is_well();
    }

    connection_ptr take() {
        while (!idle_.empty()) {
            connection_ptr c = std::move(idle_.back());
            idle_.pop_back();
            if (Connector::usable(c->stream))
                return c;
        }
        return {};
    }
    void give_back(connection_ptr c) {
        if (idle_.size() < options_.max_idle_connections)
            idle_.push_back(std::move(c));
    }

    boost::asio::any_io_executor executor_;
    route way_;
    transport_options options_;
    Connector connector_;
    std::vector<connection_ptr> idle_;
    /// What the options' source gave last.
    std::optional<std::string> authorization_;
    complaint unauthorized_, unmet_;
};

} // namespace lokiship::http::detail

#endif
