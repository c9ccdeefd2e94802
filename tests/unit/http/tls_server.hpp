// A server that speaks TLS, for tests only.
#ifndef LOKISHIP_TESTS_UNIT_HTTP_TLS_SERVER_HPP
#define LOKISHIP_TESTS_UNIT_HTTP_TLS_SERVER_HPP

#include "http/certificates.hpp"

#include <lokiship/error.hpp>
#include <lokiship/http/url.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/none.hpp>

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lokiship {

/// What goes out for one request, to the letter, and what then becomes of the connection.
struct tls_answer {
    enum ending {
        keep,
        /// Takes leave as TLS has it.
        shut_down,
        /// Does not.
        cut
    };
    std::string text;
    ending then = keep;
    /// A TLS record of its own behind the answer.
    std::string afterthought{};
};

/// An answer with a length.
inline std::string answer_text(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class tls_server {
public:
    using request_message = boost::beast::http::request<boost::beast::http::string_body>;
    using handler = std::function<tls_answer(const request_message&)>;

    tls_server(boost::asio::io_context& context, const identity& who, handler h)
        : state_(std::make_shared<state>(context, who, std::move(h))) {
        boost::asio::co_spawn(context, accept(state_), boost::asio::detached);
    }
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;
    ~tls_server() { stop(); }

    http::url url(const std::string& host = "localhost") const {
        return http::parse_url("https://" + host + ':' + std::to_string(state_->port)).value();
    }
    boost::asio::ssl::context& context() { return state_->tls; }
    /// From now on clients must show a certificate of this authority.
    void require_certificate(const std::string& authority) {
        namespace ssl = boost::asio::ssl;
        state_->tls.add_certificate_authority(boost::asio::buffer(authority));
        state_->tls.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    }
    /// The common names of the clients' certificates; `-` where there was none.
    const std::vector<std::string>& clients() const { return state_->clients; }
    std::size_t connections() const { return state_->connections; }
    std::size_t requests() const { return state_->requests; }
    /// What the clients named in their handshakes; `-` where that was nothing.
    const std::vector<std::string>& names() const { return state_->names; }

    void drop_connections() { state_->close_connections(); }
    void stop() {
        error_code ignored;
        state_->acceptor.close(ignored);
        state_->close_connections();
    }

private:
    using tcp = boost::asio::ip::tcp;
    using stream = boost::asio::ssl::stream<tcp::socket>;

    struct state {
        state(boost::asio::io_context& context, const identity& who, handler h)
            : acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0))
            , port(acceptor.local_endpoint().port())
            , handle(std::move(h)) {
            tls.use_certificate(boost::asio::buffer(who.certificate), boost::asio::ssl::context::pem);
            tls.use_private_key(boost::asio::buffer(who.key), boost::asio::ssl::context::pem);
        }
        void close_connections() {
            error_code ignored;
            for (stream* s : open)
                s->lowest_layer().close(ignored);
        }

        tcp::acceptor acceptor;
        std::uint16_t port;
        handler handle;
        boost::asio::ssl::context tls{boost::asio::ssl::context::tls_server};
        std::vector<stream*> open;
        std::vector<std::string> names, clients;
        std::size_t connections = 0;
        std::size_t requests = 0;
    };

    static constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);

    static boost::asio::awaitable<void> accept(std::shared_ptr<state> s) {
        while (s->acceptor.is_open()) {
            auto [ec, socket] = co_await s->acceptor.async_accept(token);
            if (ec || !s->acceptor.is_open())
                continue;
            ++s->connections;
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            boost::asio::co_spawn(s->acceptor.get_executor(), serve(s, std::move(socket)),
                                  boost::asio::detached);
        }
    }

    static boost::asio::awaitable<void> serve(std::shared_ptr<state> s, tcp::socket socket) {
        stream connection(std::move(socket), s->tls);
        s->open.push_back(&connection);
        const auto [failed] =
            co_await connection.async_handshake(boost::asio::ssl::stream_base::server, token);
        if (!failed) {
            const char* name = SSL_get_servername(connection.native_handle(), TLSEXT_NAMETYPE_host_name);
            s->names.emplace_back(name ? name : "-");
            char client[100] = "-";
            if (const X509* shown = SSL_get0_peer_certificate(connection.native_handle()))
                X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, client,
                                          sizeof client);
            s->clients.emplace_back(client);
            co_await talk(*s, connection);
        }
        std::erase(s->open, &connection);
    }

    static boost::asio::awaitable<void> talk(state& s, stream& connection) {
        namespace wire = boost::beast::http;
        boost::beast::flat_buffer buffer;
        for (;;) {
            wire::request_parser<wire::string_body> parser;
            parser.body_limit(boost::none);
            const auto [read_error, read] = co_await wire::async_read(connection, buffer, parser, token);
            if (read_error)
                co_return;
            ++s.requests;
            const tls_answer answer = s.handle(parser.get());
            const auto [write_error, written] =
                co_await boost::asio::async_write(connection, boost::asio::buffer(answer.text), token);
            if (!answer.afterthought.empty())
                co_await boost::asio::async_write(connection, boost::asio::buffer(answer.afterthought),
                                                  token);
            if (answer.then == tls_answer::shut_down)
                co_await connection.async_shutdown(token);
            if (write_error || answer.then != tls_answer::keep)
                co_return;
        }
    }

    std::shared_ptr<state> state_;
};

} // namespace lokiship

#endif
