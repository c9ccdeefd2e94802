#ifndef LOKISHIP_HTTP_DETAIL_TLS_CONTEXT_HPP
#define LOKISHIP_HTTP_DETAIL_TLS_CONTEXT_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/complaint.hpp>
#include <lokiship/http/detail/small_file.hpp>
#include <lokiship/http/detail/tls_failure.hpp>
#include <lokiship/http/tls_options.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http::detail {

/// What new connections with TLS begin with; made anew when the content of one of the files has changed. Files are read
/// for each connection, which is little beside a handshake.
class tls_context {
public:
    using context_ptr = std::shared_ptr<boost::asio::ssl::context>;

    /// `where` begins what `warn` is told. Throws `boost::system::system_error` (`errc::unusable_credentials`), naming
    /// the file.
    tls_context(tls_options options, std::string where, std::function<void(std::string_view)> warn)
        : options_(std::move(options))
        , where_(std::move(where))
        , warn_(std::move(warn)) {
        files_ = read().value();
        context_ = make(files_).value();
    }

    /// Where the files cannot be used now: what they held before.
    context_ptr current() {
        auto files = read();
        if (files && *files != files_) {
            auto made = make(*files);
            if (made) {
                context_ = *made;
                files_ = std::move(*files);
            } else {
                files = made.error();
            }
        }
        if (files)
            complaint_.is_well();
        else
            complaint_.tell(warn_, where_ + ": TLS: " + files.error().message +
                                       "; what the files held before stays in use");
        return context_;
    }

private:
    struct contents {
        std::string ca, certificate, key;
        friend bool operator==(const contents&, const contents&) = default;
    };

    const std::string& key_file() const {
        return options_.key_file.empty() ? options_.certificate_file : options_.key_file;
    }
    static std::string named(const char* what, const std::string& path) {
        return std::string("the ") + what + " file '" + text::escape_for_log(path) + '\'';
    }
    static error bad(std::string why) { return {errc::unusable_credentials, std::move(why)}; }

    result<contents> read() const {
        contents out;
        const std::pair<const char*, std::pair<const std::string&, std::string&>> files[] = {
            {"CA", {options_.ca_file, out.ca}},
            {"certificate", {options_.certificate_file, out.certificate}},
            {"key", {options_.key_file, out.key}}};
        for (const auto& [what, file] : files) {
            if (file.first.empty())
                continue;
            auto text = read_small_file(file.first, 4 * 1024 * 1024);
            if (!text)
                return bad(std::string("the ") + what + " file " + text.error().message);
            file.second = std::move(*text);
        }
        return out;
    }

    result<context_ptr> make(const contents& files) const {
        namespace ssl = boost::asio::ssl;
        auto out = std::make_shared<ssl::context>(ssl::context::tls_client);
        SSL_CTX* const native = out->native_handle();
        SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
        SSL_CTX_set_client_cert_cb(native, note_request);
        out->set_verify_mode(options_.insecure_skip_verify ? ssl::verify_none : ssl::verify_peer);
        if (options_.ca_file.empty())
            out->set_default_verify_paths();
        else if (!trust(SSL_CTX_get_cert_store(native), files.ca))
            return bad(named("CA", options_.ca_file) +
                       " holds no certificate in PEM, or one that is damaged");
        if (options_.certificate_file.empty())
            return out;
        error_code ec;
        out->use_certificate_chain(boost::asio::buffer(files.certificate), ec);
        if (ec)
            return bad(named("certificate", options_.certificate_file) +
                       " holds no certificate in PEM, or one that is damaged: " + ec.message());
        const std::string& key = options_.key_file.empty() ? files.certificate : files.key;
        if (key.find("ENCRYPTED") != key.npos)
            return bad(named("key", key_file()) +
                       " is encrypted, and nobody is there to give its passphrase");
        // Or OpenSSL asks on the terminal.
        out->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); },
                                   ec);
        out->use_private_key(boost::asio::buffer(key), ssl::context::pem, ec);
        if (!ec)
            return out;
        const auto reason = ERR_GET_REASON(static_cast<unsigned long>(ec.value()));
        if (ERR_GET_LIB(static_cast<unsigned long>(ec.value())) == ERR_LIB_X509 &&
            (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH))
            return bad(named("key", key_file()) + " is not that of " +
                       named("certificate", options_.certificate_file));
        return bad(named("key", key_file()) +
                   " holds no private key in PEM, or one that is damaged: " + ec.message());
    }

    /// Adds all certificates of a text to a store. False where there is none, or a damaged one.
    static bool trust(X509_STORE* store, const std::string& text) {
        const openssl_ptr<BIO, BIO_free> in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
        ERR_clear_error();
        bool any = false;
        while (const openssl_ptr<X509, X509_free> certificate{
            PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr)}) {
            if (X509_STORE_add_cert(store, certificate.get()) != 1)
                return false;
            any = true;
        }
        const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        ERR_clear_error();
        return any && at_end;
    }

    tls_options options_;
    std::string where_;
    std::function<void(std::string_view)> warn_;
    contents files_;
    context_ptr context_;
    complaint complaint_;
};

} // namespace lokiship::http::detail

#endif
