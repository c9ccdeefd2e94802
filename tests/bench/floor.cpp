// What reading costs at least: the answer to the backend's largest question, through the transport of the
// tools, into Boost.JSON's parser and a handler that does nothing with it.
// usage: floor BACKEND_URL [TIMES]    over one connection
#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/http/tls_transport.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <limits>
#include <string>
#include <string_view>

using namespace lokiship;

namespace {

struct null_handler {
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = max_object_size, max_key_size = max_object_size,
                                 max_string_size = max_object_size;

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) { return true; }
    bool on_object_end(std::size_t, error_code&) { return true; }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t, error_code&) { return true; }
    bool on_key_part(std::string_view, std::size_t, error_code&) { return true; }
    bool on_key(std::string_view, std::size_t, error_code&) { return true; }
    bool on_string_part(std::string_view, std::size_t, error_code&) { return true; }
    bool on_string(std::string_view, std::size_t, error_code&) { return true; }
    bool on_number_part(std::string_view, error_code&) { return true; }
    bool on_int64(std::int64_t, std::string_view, error_code&) { return true; }
    bool on_uint64(std::uint64_t, std::string_view, error_code&) { return true; }
    bool on_double(double, std::string_view, error_code&) { return true; }
    bool on_bool(bool, error_code&) { return true; }
    bool on_null(error_code&) { return true; }
    bool on_comment_part(std::string_view, error_code&) { return true; }
    bool on_comment(std::string_view, error_code&) { return true; }
};

boost::asio::awaitable<std::uint64_t> read_once(http::tls_transport& backend) {
    boost::json::basic_parser<null_handler> parser({});
    std::uint64_t bytes = 0;
    const http::body_sink sink = [&](const http::response_head&, std::string_view piece) -> result<void> {
        error_code ec;
        bytes += piece.size();
        if (!parser.done())
            parser.write_some(true, piece.data(), piece.size(), ec);
        return ec ? result<void>(error(ec, "the page is no JSON")) : result<void>();
    };
    const auto request = aoss::logs_request({1'000'000'000});
    const auto head = co_await backend.send(request, sink);
    if (!head)
        throw boost::system::system_error(head.error().code, head.error().message);
    if (!parser.done())
        throw std::runtime_error("the page broke off");
    co_return bytes;
}

boost::asio::awaitable<std::uint64_t> read(http::tls_transport& backend, int times) {
    std::uint64_t bytes = 0;
    for (int n = 0; n < times; ++n)
        bytes += co_await read_once(backend);
    co_return bytes;
}

} // namespace

int main(int argc, char** argv) try {
    if (argc != 2 && argc != 3)
        throw std::runtime_error("usage: floor BACKEND_URL [TIMES]");
    boost::asio::io_context context;
    http::tls_transport backend(context.get_executor(), http::parse_url(argv[1]).value());
    std::exception_ptr failure;
    std::uint64_t bytes = 0;
    boost::asio::co_spawn(context, read(backend, argc == 3 ? std::stoi(argv[2]) : 1),
                          [&](std::exception_ptr e, std::uint64_t n) {
                              failure = e;
                              bytes = n;
                          });
    context.run();
    if (failure)
        std::rethrow_exception(failure);
    std::cout << bytes << '\n';
} catch (const std::exception& e) {
    std::cerr << "floor: " << e.what() << '\n';
    return 1;
}
