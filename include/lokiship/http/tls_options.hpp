#ifndef LOKISHIP_HTTP_TLS_OPTIONS_HPP
#define LOKISHIP_HTTP_TLS_OPTIONS_HPP

#include <string>

namespace lokiship::http {

/// Whom a transport with TLS trusts, and who it is. All files are in PEM, of at most 4 MiB.
struct tls_options {
    /// The certificates of the authorities to trust, in place of the system's. Empty: the system's, which OpenSSL finds
    /// where it was built to, or where `SSL_CERT_FILE` and `SSL_CERT_DIR` say.
    std::string ca_file{};
    /// The certificate to show to a server that asks for one, with those between it and its authority behind it.
    /// Empty: none.
    std::string certificate_file{};
    /// The certificate's key, not encrypted. Empty: it stands in `certificate_file`.
    std::string key_file{};
    /// Any certificate of the server is taken, whoever it is from: whoever is on the way can read and change all.
    bool insecure_skip_verify = false;
};

} // namespace lokiship::http

#endif
