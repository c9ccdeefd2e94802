#include "targets.hpp"

#include <lokiship/http/beast_transport.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/testing/fake_loki.hpp>
#include <lokiship/testing/fake_loki/protobuf_push.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::conformance {

using namespace std::chrono_literals;

settings read_settings(const std::string& config_page) {
    settings out;
    std::vector<std::pair<std::size_t, std::string>> above;
    std::istringstream lines(config_page);
    for (std::string line; std::getline(lines, line);) {
        auto indent = line.find_first_not_of(' ');
        // A mapping in a list.
        if (indent != line.npos && line.find(": ") != line.npos && line.compare(indent, 2, "- ") == 0)
            line[indent] = ' ', indent += 2;
        const auto colon = line.find(':');
        if (indent == line.npos || line[indent] == '-' || colon == line.npos)
            continue;
        while (!above.empty() && above.back().first >= indent)
            above.pop_back();
        std::string name;
        for (const auto& [depth, part] : above)
            name += part + '.';
        above.emplace_back(indent, line.substr(indent, colon - indent));
        std::string value = line.substr(std::min(line.find_first_not_of(' ', colon + 1), line.size()));
        std::erase(value, '"');
        out.emplace(name + above.back().second, value);
    }
    return out;
}

testing::reply target::get(std::string path_and_query) {
    http::request r;
    r.target = std::move(path_and_query);
    return send(r);
}

namespace {

class double_target final : public target {
public:
    explicit double_target(const testing::loki_limits& limits)
        : loki_(limits, [this] { return now_; }) {
        loki_.decode_others_with(testing::decode_protobuf_push);
    }

    testing::reply send(const http::request& r) override {
        now_ += 1ms;
        return loki_(r);
    }

    timestamp now() const override { return now_; }
    bool try_again(int) override { return false; }

private:
    timestamp now_{1'795'439'523s + 123'456'789ns};
    testing::fake_loki loki_;
};

class live_target final : public target {
public:
    explicit live_target(const std::string& url)
        : loki_(context_.get_executor(), http::parse_url(url).value()) {}

    timestamp now() const override {
        return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
    }
    bool try_again(int attempt) override {
        boost::asio::steady_timer timer(context_, 300ms);
        timer.wait();
        return attempt < 200;
    }
    testing::reply send(const http::request& r) override {
        testing::reply out;
        std::exception_ptr failure;
        std::optional<result<http::response_head>> head;
        const http::body_sink sink = [&](const http::response_head&, std::string_view chunk) -> result<void> {
            out.body += chunk;
            return {};
        };
        boost::asio::co_spawn(context_, loki_.send(r, sink),
                              [&](std::exception_ptr e, result<http::response_head> h) {
                                  failure = e;
                                  head = std::move(h);
                              });
        context_.restart();
        while (!head && !failure && context_.run_one() != 0) {
        }
        if (failure)
            std::rethrow_exception(failure);
        out.status = head.value().value().status;
        out.fields = head->value().fields;
        return out;
    }

private:
    boost::asio::io_context context_;
    http::beast_transport loki_;
};

} // namespace

std::unique_ptr<target> make_double(const testing::loki_limits& limits) {
    return std::make_unique<double_target>(limits);
}

std::unique_ptr<target> make_live(const std::string& url) {
    auto out = std::make_unique<live_target>(url);
    const auto answer = out->get("/loki/api/v1/status/buildinfo");
    if (answer.status != 200)
        throw std::runtime_error(url + " is no Loki: status " + std::to_string(answer.status));
    return out;
}

} // namespace lokiship::conformance
