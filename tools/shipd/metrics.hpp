#ifndef LOKISHIP_TOOLS_SHIPD_METRICS_HPP
#define LOKISHIP_TOOLS_SHIPD_METRICS_HPP

#include "shipd/status.hpp"

#include <lokiship/http/observed_transport.hpp>

#include <prometheus/family.h>
#include <prometheus/registry.h>

#include <functional>
#include <string>

namespace prometheus {
class Counter;
class Histogram;
} // namespace prometheus

namespace lokiship::tools {

/// What Prometheus is shown. Times and bytes of exchanges are gathered as they end; all else is taken from the status.
class metrics {
public:
    metrics();

    using observer = std::function<void(const http::exchange_report&)>;
    /// Counts what is asked of the backend, and what is pushed to Loki, for the backend of this name.
    observer polls(const std::string& backend);
    observer pushes(const std::string& backend);

    /// The metrics in Prometheus' text format.
    std::string text(const status& s) const;

private:
    struct exchanges {
        prometheus::Family<prometheus::Counter>&total, &bytes;
        prometheus::Family<prometheus::Histogram>& duration;
    };
    exchanges exchange_families(const std::string& what, const std::string& help, const std::string& bytes);
    static observer observe(const exchanges& families, const std::string& backend, bool sent,
                            std::string path);

    prometheus::Registry registry_;
    exchanges polls_, pushes_;
};

} // namespace lokiship::tools

#endif
