// Certificates that live as long as a test; for tests only.
#ifndef LOKISHIP_TESTS_UNIT_HTTP_CERTIFICATES_HPP
#define LOKISHIP_TESTS_UNIT_HTTP_CERTIFICATES_HPP

#include "temporary_file.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

namespace lokiship {

template <auto Free>
struct openssl_deleter {
    template <class T>
    void operator()(T* p) const {
        Free(p);
    }
};
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_deleter<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_deleter<X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, openssl_deleter<X509_EXTENSION_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_deleter<BIO_free>>;

inline void must(bool succeeded) {
    if (!succeeded)
        throw std::runtime_error("OpenSSL failed");
}

struct certificate_settings {
    std::string common_name = "lokiship test";
    /// In OpenSSL's notation; empty: none.
    std::string alternative_names = "DNS:localhost, IP:127.0.0.1";
    /// From now on.
    std::chrono::seconds valid_from = -std::chrono::hours(1);
    std::chrono::seconds valid_until = std::chrono::hours(1);
};

/// A certificate and its key, in PEM.
struct identity {
    std::string certificate;
    std::string key;
};

class certificate_authority {
public:
    explicit certificate_authority(const std::string& name)
        : key_(EVP_EC_gen("P-256")) {
        must(key_ != nullptr);
        certificate_ = make({name, "", -std::chrono::hours(24), std::chrono::hours(24)}, key_.get(), nullptr);
    }

    std::string certificate() const { return pem(certificate_.get()); }
    /// The authority's own, as a server that signs its own certificate has it.
    identity own() const { return {certificate(), pem(key_.get())}; }

    identity issue(const certificate_settings& s = {}) const {
        const key_ptr key(EVP_EC_gen("P-256"));
        must(key != nullptr);
        const x509_ptr certificate = make(s, key.get(), certificate_.get());
        return {pem(certificate.get()), pem(key.get())};
    }

private:
    /// Without an issuer it is an authority's own.
    x509_ptr make(const certificate_settings& s, EVP_PKEY* key, X509* issuer) const {
        static long serial = 0;
        x509_ptr out(X509_new());
        X509* const x = out.get();
        must(x != nullptr && X509_set_version(x, X509_VERSION_3) == 1);
        must(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial) == 1);
        must(X509_gmtime_adj(X509_getm_notBefore(x), static_cast<long>(s.valid_from.count())) != nullptr);
        must(X509_gmtime_adj(X509_getm_notAfter(x), static_cast<long>(s.valid_until.count())) != nullptr);
        must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(s.common_name.c_str()), -1, -1,
                                        0) == 1);
        must(X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x)) == 1);
        must(X509_set_pubkey(x, key) == 1);
        if (!issuer) {
            add(x, x, NID_basic_constraints, "critical,CA:TRUE");
            add(x, x, NID_key_usage, "critical,keyCertSign");
        } else if (!s.alternative_names.empty()) {
            add(x, issuer, NID_subject_alt_name, s.alternative_names);
        }
        must(X509_sign(x, key_.get(), EVP_sha256()) != 0);
        return out;
    }
    static void add(X509* x, X509* issuer, int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
        const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
        must(extension && X509_add_ext(x, extension.get(), -1) == 1);
    }
    static std::string pem(EVP_PKEY* key) {
        const bio_ptr out(BIO_new(BIO_s_mem()));
        must(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
        return text(out.get());
    }
    static std::string pem(X509* x) {
        const bio_ptr out(BIO_new(BIO_s_mem()));
        must(PEM_write_bio_X509(out.get(), x) == 1);
        return text(out.get());
    }
    static std::string text(BIO* memory) {
        char* data = nullptr;
        const long size = BIO_get_mem_data(memory, &data);
        return {data, static_cast<std::size_t>(size)};
    }

    key_ptr key_;
    x509_ptr certificate_;
};

} // namespace lokiship

#endif
