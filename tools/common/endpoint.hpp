#ifndef LOKISHIP_TOOLS_COMMON_ENDPOINT_HPP
#define LOKISHIP_TOOLS_COMMON_ENDPOINT_HPP

#include "common/settings.hpp"

#include <lokiship/http/proxy.hpp>
#include <lokiship/http/tls_options.hpp>
#include <lokiship/http/transport_options.hpp>
#include <lokiship/http/url.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::tools {

/// One of the two servers, and how it is reached.
struct endpoint {
    http::url url;
    http::transport_options options;
    http::tls_options tls;
};

/// The settings of a server beside its URL: credentials, header fields and certificates. `side` is the name of the URL's setting:
/// `loki` or `backend`.
std::vector<setting> endpoint_settings(const std::string& side);

/// What the settings say of a server, and the environment of its proxy. `warn` is told what the transport warns of, and here
/// what is risky.
///
/// Throws `wrong_use_error`, naming the setting: settings that do not go together, and files or proxies that cannot be used.
endpoint endpoint_of(const values& v, const std::string& side, const http::environment& environment,
                     std::function<void(std::string_view)> warn);

} // namespace lokiship::tools

#endif
