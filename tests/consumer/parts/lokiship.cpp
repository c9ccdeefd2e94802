// What needs Boost alone: Boost.JSON and Boost.URL are linked.
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/loki/json_encoder.hpp>

#include <iostream>
#include <string>

int main() {
    using namespace lokiship;
    std::string line;
    aoss::page_reader reader([&](const aoss::execution_record& r) { line = r.command; });
    if (!reader.write(R"({"logs":[{"execution_id":"e1","step":1,"command":"uptime"}]})") || !reader.finish())
        return 1;
    loki::json_encoder encoder;
    encoder.begin_stream({{"job", "aoss"}});
    encoder.add({}, line);
    const std::string body = encoder.finish();
    std::cout << body << '\n';
    return body.find("uptime") != body.npos && http::parse_url("http://localhost:3100")->host == "localhost"
               ? 0
               : 1;
}
