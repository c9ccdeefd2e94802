// What the scenarios run against: the double, or a real Loki.
#ifndef LOKISHIP_TESTS_CONFORMANCE_TARGETS_HPP
#define LOKISHIP_TESTS_CONFORMANCE_TARGETS_HPP

#include <lokiship/http/message.hpp>
#include <lokiship/testing/exchange.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/text/timestamp.hpp>

#include <map>
#include <memory>
#include <string>

namespace lokiship::conformance {

/// What `/config` shows: `limits_config.max_line_size` → `0B`. Of a list it is the first element.
using settings = std::map<std::string, std::string>;
settings read_settings(const std::string& config_page);

class target {
public:
    target() = default;
    target(const target&) = delete;
    target& operator=(const target&) = delete;
    virtual ~target() = default;

    virtual testing::reply send(const http::request& r) = 0;
    virtual timestamp now() const = 0;
    /// Waits a little before the `attempt`th try, counted from 1; false where there is no use in another.
    virtual bool try_again(int attempt) = 0;

    testing::reply get(std::string path_and_query);
};

/// A double with these limits.
std::unique_ptr<target> make_double(const testing::loki_limits& limits);
/// The Loki at that URL. Throws where it does not answer.
std::unique_ptr<target> make_live(const std::string& url);

} // namespace lokiship::conformance

#endif
