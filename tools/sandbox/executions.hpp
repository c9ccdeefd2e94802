#ifndef LOKISHIP_TOOLS_SANDBOX_EXECUTIONS_HPP
#define LOKISHIP_TOOLS_SANDBOX_EXECUTIONS_HPP

#include <lokiship/testing/fake_backend.hpp>

#include <cstddef>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace lokiship::tools {

/// Makes executions as they happen on servers: several steps, some of which fail, outputs in several scripts,
/// and now and then one that is planned first and completes later. The same seed and number of servers give the
/// same executions.
class execution_source {
public:
    /// On so many servers, at least one.
    explicit execution_source(testing::fake_backend& backend, std::size_t servers = 5, unsigned seed = 1);

    /// Adds a finished execution that was created at `created`.
    void add_finished(timestamp created);
    /// Something happens at `now`: an execution is added, finished or planned, or a planned one completes.
    void happen(timestamp now);

private:
    struct server {
        std::string id, tag, ip;
    };

    testing::execution make(timestamp created);
    void complete(testing::execution& e);
    std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

    testing::fake_backend& backend_;
    std::vector<server> servers_;
    std::mt19937 random_;
    std::deque<std::string> planned_;
};

} // namespace lokiship::tools

#endif
