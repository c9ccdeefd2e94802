#ifndef LOKISHIP_TOOLS_SHIPD_DAEMON_HPP
#define LOKISHIP_TOOLS_SHIPD_DAEMON_HPP

#include "common/http_service.hpp"
#include "common/program.hpp"
#include "common/service_manager.hpp"
#include "common/settings.hpp"
#include "shipd/metrics.hpp"
#include "shipd/status.hpp"

#include <lokiship/clock.hpp>
#include <lokiship/http/observed_transport.hpp>
#include <lokiship/ship/shipper.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lokiship::tools {

/// Ships, and lets itself be watched and told to read its settings again.
class daemon {
public:
    /// Reads the settings anew; throws `wrong_use_error` where they are wrong.
    using read_settings = std::function<values()>;

    /// Listens where the settings say so, and contacts nobody. Throws `wrong_use_error`.
    daemon(values v, read_settings again);

    /// Ships until a signal, or, with `--once`, once; what the process exits with. Throws `wrong_use_error`.
    int run();

private:
    using observed = http::observed_transport<transport, system_clock>;
    using shell = ship::basic_shipper<observed, system_clock>;

    /// One backend, and what ships its executions.
    struct lane {
        lane(daemon& d, const values& v);

        /// As it was started.
        values settings;
        std::string name;
        transport backend;
        observed backend_seen, loki_seen;
        steady_time last_exchange;
        std::chrono::nanoseconds longest_silence{};
        std::uint64_t shipped = 0;
        std::optional<shell> ship;
    };

    ship::shipper_options options(const values& v, lane& l);
    void make_shippers();
    std::string prefix_of(const lane& l) const;
    boost::asio::awaitable<void> ship_all();
    boost::asio::awaitable<void> ship(lane& l);
    int ship_once();
    void say_ended() const;
    void stop();
    void wait_for_signal();
    void reload();
    void tick();

    tools::status status();
    service_answer answer(const service_request& r);

    /// As it was started.
    values first_;
    read_settings again_;
    shipping_program program_;
    metrics metrics_;
    loki_settings loki_{};
    std::vector<std::unique_ptr<lane>> lanes_;
    std::optional<http_service> service_;
    service_manager manager_;
    steady_time next_alive_{};
    boost::asio::signal_set orders_;
    timestamp started_;
    bool stopping_ = false;
    std::uint64_t reloads_ = 0, reloads_failed_ = 0;
};

} // namespace lokiship::tools

#endif
