#ifndef LOKISHIP_TOOLS_SANDBOX_EXECUTIONS_HPP
#define LOKISHIP_TOOLS_SANDBOX_EXECUTIONS_HPP

#include <lokiship/testing/fake_backend.hpp>

#include <cstddef>
#include <deque>
#include <random>
#include <string>

namespace lokiship::tools {

/// Makes executions as they happen on servers: several steps, some of which fail, outputs in several scripts,
/// and now and then one that is planned first and completes later. The same seed gives the same executions.
class execution_source {
public:
    explicit execution_source(testing::fake_backend& backend, unsigned seed = 1)
        : backend_(backend)
        , random_(seed) {}

    /// Adds a finished execution that was created at `created`.
    void add_finished(timestamp created);
    /// Something happens at `now`: an execution is added, finished or planned, or a planned one completes.
    void happen(timestamp now);

private:
    testing::execution make(timestamp created);
    void complete(testing::execution& e);
    std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    std::string uuid();

    testing::fake_backend& backend_;
    std::mt19937 random_;
    std::deque<std::string> planned_;
};

} // namespace lokiship::tools

#endif
