#ifndef LOKISHIP_HTTP_DETAIL_TLS_FAILURE_HPP
#define LOKISHIP_HTTP_DETAIL_TLS_FAILURE_HPP

#include <lokiship/error.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/verify_context.hpp>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http::detail {

template <auto Free>
struct openssl_free {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
template <class T, auto Free>
using openssl_ptr = std::unique_ptr<T, openssl_free<Free>>;

/// What `print` writes, as it may be logged.
template <class Print>
std::string printed(Print print) {
    const openssl_ptr<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
    char* data = nullptr;
    if (!out || print(out.get()) <= 0)
        return "?";
    const long size = BIO_get_mem_data(out.get(), &data);
    return text::escape_for_log({data, static_cast<std::size_t>(size)}, 200);
}
inline std::string name_text(const X509_NAME* name) {
    return printed([name](BIO* out) {
        return X509_NAME_print_ex(out, name, 0,
                                  XN_FLAG_ONELINE & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    });
}
inline std::string time_text(const ASN1_TIME* time) {
    return printed([time](BIO* out) { return ASN1_TIME_print(out, time); });
}

/// The names and addresses that a certificate is for, the first few.
inline std::string names_text(const X509* certificate) {
    const openssl_ptr<GENERAL_NAMES, GENERAL_NAMES_free> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::string out;
    const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
    for (int i = 0; i != count && i != 5; ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        int type = 0;
        const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
        std::string one;
        if (type == GEN_DNS || type == GEN_IPADD) {
            const unsigned char* const data = ASN1_STRING_get0_data(value);
            const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
            boost::asio::ip::address_v4::bytes_type v4;
            boost::asio::ip::address_v6::bytes_type v6;
            if (type == GEN_DNS)
                one = text::escape_for_log({reinterpret_cast<const char*>(data), size}, 100);
            else if (size == v4.size() && std::copy_n(data, size, v4.begin()))
                one = boost::asio::ip::address_v4(v4).to_string();
            else if (size == v6.size() && std::copy_n(data, size, v6.begin()))
                one = boost::asio::ip::address_v6(v6).to_string();
        }
        if (!one.empty())
            out += (out.empty() ? "" : ", ") + one;
    }
    return out.empty() ? "no name" : count > 5 ? out + ", …" : out;
}

/// Why a certificate of the server's chain is refused, and what cures it.
inline std::string refusal_text(X509_STORE_CTX* check, const std::string& host) {
    const int code = X509_STORE_CTX_get_error(check), depth = X509_STORE_CTX_get_error_depth(check);
    const X509* const certificate = X509_STORE_CTX_get_current_cert(check);
    const std::string verdict = X509_verify_cert_error_string(code);
    if (!certificate)
        return "the server's certificate is refused: " + verdict;
    const std::string what = depth == 0
                                 ? "the server's certificate"
                                 : "the authority's certificate '" +
                                       name_text(X509_get_subject_name(certificate)) + "' that it sends";
    const std::string issuer = '\'' + name_text(X509_get_issuer_name(certificate)) + '\'';
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return what + " expired on " + time_text(X509_get0_notAfter(certificate)) +
               "; it must be renewed there";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return what + " is not valid before " + time_text(X509_get0_notBefore(certificate)) +
               "; check the clocks of both machines";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return what + " is not for " + text::escape_for_log(host) + " but for " + names_text(certificate) +
               "; correct the URL or the certificate";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return what + " is signed by itself and not trusted; if it is the right one, give it as CA file";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return what + " is from " + issuer +
               ", which is not trusted; if that authority is the right one, give its certificate as CA file, "
               "and see "
               "that the server sends those in between";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return what + " is not from the trusted " + issuer + " but from another of that name";
    default:
        return what + " is refused: " + verdict;
    }
}

/// For `asio::ssl::stream::set_verify_callback`: leaves OpenSSL's verdict, and keeps what it first found wrong.
struct keep_refusal {
    std::string host;
    std::shared_ptr<std::string> text;
    bool operator()(bool good, boost::asio::ssl::verify_context& check) const {
        if (!good && text->empty())
            *text = refusal_text(check.native_handle(), host);
        return good;
    }
};

/// Where an `SSL` keeps that the server asked for a certificate and got none.
inline int asked_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}
/// OpenSSL calls it where the server asks for a certificate and none was given.
inline int note_request(SSL* ssl, X509**, EVP_PKEY**) {
    static char yes = 1;
    SSL_set_ex_data(ssl, asked_index(), &yes);
    return 0;
}
inline bool lacks_certificate(const SSL* ssl) {
    return SSL_get_ex_data(ssl, asked_index()) != nullptr;
}

inline constexpr std::string_view certificate_wanted =
    "the server wants a client certificate, and none was given; give one, and its key";

/// Why a connection with TLS failed, and what cures it.
inline std::string tls_failure(const SSL* ssl, const error_code& ec) {
    const bool lacking = lacks_certificate(ssl);
    if (ec.category() == boost::asio::error::get_ssl_category())
        switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value()))) {
        case SSL_R_WRONG_VERSION_NUMBER:
            return "the server does not speak TLS (" + ec.message() + ')';
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_UNSUPPORTED_PROTOCOL:
            return "the server does not speak TLS 1.2 or later (" + ec.message() + "); it must be updated";
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return std::string(certificate_wanted);
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            if (lacking)
                return std::string(certificate_wanted);
            break;
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
            return lacking ? std::string(certificate_wanted)
                           : "the server refuses our client certificate (" + ec.message() + ')';
        default:
            break;
        }
    return ec.message() +
           (lacking ? "; the server asked for a client certificate before, and none was given" : "");
}

/// Why a handshake failed. `refusal` is what `keep_refusal` kept.
inline std::string handshake_failure(const SSL* ssl, const error_code& ec, const std::string& refusal) {
    // Where it need not be good, its faults are not why.
    const bool checked = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
    if (checked && !refusal.empty())
        return refusal;
    if (const long verified = SSL_get_verify_result(ssl); checked && verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    if (ec == boost::asio::error::eof || ec == boost::asio::ssl::error::stream_truncated)
        return "the server closed the connection in the handshake";
    return tls_failure(ssl, ec);
}

} // namespace lokiship::http::detail

#endif
