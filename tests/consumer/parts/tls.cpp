#include <lokiship/http/tls_transport.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

int main() {
    using namespace lokiship;
    boost::asio::io_context context;
    const http::tls_transport transport(context.get_executor(),
                                        http::parse_url("https://logs.example").value(), {});
    std::cout << transport.server() << '\n';
    return transport.server() == "https://logs.example" ? 0 : 1;
}
