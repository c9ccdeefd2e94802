#ifndef LOKISHIP_ERROR_HPP
#define LOKISHIP_ERROR_HPP

#include <lokiship/version.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace lokiship {

using boost::system::error_code;

/// What can go wrong in lokiship itself. Network and TLS failures keep the code of Asio or OpenSSL.
enum class errc {
    /// A URL does not parse, or is not an `http` or `https` URL with a host. Correct the URL.
    invalid_url = 1,
    /// A text is no ISO 8601 timestamp. The caller decides; the pipeline uses the clock's now and counts it.
    invalid_timestamp,
    /// A timestamp lies outside 1677-09-21 to 2262-04-11, the range of 64-bit nanoseconds.
    timestamp_out_of_range,
    /// The page is not JSON. Records handed on before the error stay valid.
    page_syntax,
    /// The page is JSON, but not an object with an array `logs`.
    page_not_an_object,
    /// A field has another type than the API documents.
    page_field_type,
    /// The page ended before its JSON did: the connection broke or the backend died. Ask again.
    page_truncated,
    /// A field is longer than `page_limits::max_field_size`.
    page_field_too_long,
    /// Objects and arrays are nested deeper than `page_limits::max_depth`.
    page_too_deep,
    /// The page has more than `page_limits` allow. Records handed on before the error stay valid.
    page_too_large,
    /// The page holds bytes that are no UTF-8.
    page_invalid_utf8,
    /// Nothing was sent or received for as long as the request allows.
    timed_out,
    /// The answer's body, after decoding, is larger than the request allows; or a text that `http::gunzip`
    /// decodes is larger than its caller allows. Ask for less or allow more.
    response_too_large,
    /// The answer has a `Content-Encoding` other than gzip.
    unsupported_content_encoding,
    /// What is said to be gzip is none, is damaged, or ends too early. Ask again.
    corrupt_content_encoding,
    /// The server answered with a status that is no success.
    bad_status,
    /// The server answered that it cannot now: 429 or 5xx.
    service_unavailable,
    /// The answer is not what this service sends; something else listens at that address.
    unexpected_answer,
    /// The URL's scheme needs TLS, and this transport has none. Use `tls_transport`.
    tls_not_supported,
    /// A checkpoint is damaged, of another version, or of another backfill. Nothing of it was used; remove it to start
    /// anew.
    unusable_checkpoint,
    /// A state file is damaged, or of another version. Nothing of it was used.
    unusable_state,
    /// A file with a password, a token, a certificate or a key cannot be read, or holds none that can be used. Correct
    /// the file.
    unusable_credentials,
    /// The proxy does not connect to the server. Correct the proxy's address or credentials, or ask its keeper.
    proxy_refused,
    /// Not an error; one past the last value, for tests that visit them all.
    end_of_list_
};

namespace detail {

struct lokiship_category final : boost::system::error_category {
    // Beast's way: a fixed id keeps the comparison true when a shared library has a copy of the category.
    constexpr lokiship_category() noexcept
        : error_category(0x6c6f6b6973686970u) {}
    const char* name() const noexcept override { return "lokiship"; }
    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
        case errc::invalid_url:
            return "invalid URL";
        case errc::invalid_timestamp:
            return "not an ISO 8601 timestamp";
        case errc::timestamp_out_of_range:
            return "timestamp outside the range of 64-bit nanoseconds";
        case errc::page_syntax:
            return "the page is not valid JSON";
        case errc::page_not_an_object:
            return "the page is not an object with an array 'logs'";
        case errc::page_field_type:
            return "a field has the wrong type";
        case errc::page_truncated:
            return "the page ends too early";
        case errc::page_field_too_long:
            return "a field is too long";
        case errc::page_too_deep:
            return "the page is nested too deeply";
        case errc::page_too_large:
            return "the page is too large";
        case errc::page_invalid_utf8:
            return "the page is not valid UTF-8";
        case errc::timed_out:
            return "timed out";
        case errc::response_too_large:
            return "the answer is too large";
        case errc::unsupported_content_encoding:
            return "the answer has an unsupported Content-Encoding";
        case errc::corrupt_content_encoding:
            return "the content is no valid gzip";
        case errc::bad_status:
            return "the server answered with an error status";
        case errc::service_unavailable:
            return "the server cannot answer now";
        case errc::unexpected_answer:
            return "the answer is not what this service sends";
        case errc::tls_not_supported:
            return "this transport does not support https";
        case errc::unusable_checkpoint:
            return "the checkpoint cannot be used";
        case errc::unusable_state:
            return "the state file cannot be used";
        case errc::unusable_credentials:
            return "the credentials cannot be used";
        case errc::proxy_refused:
            return "the proxy refuses to connect";
        case errc::end_of_list_:
            break;
        }
        return "unknown lokiship error";
    }
};

inline constexpr lokiship_category category_instance{};

} // namespace detail

/// The category of `errc`. Its name is `lokiship`.
inline const boost::system::error_category& error_category() noexcept {
    return detail::category_instance;
}

/// Found by `error_code`'s constructor.
inline error_code make_error_code(errc value) noexcept {
    return {static_cast<int>(value), error_category()};
}

/// A failure: a code for programs and a sentence for people.
///
/// `message` names what was wrong and where (URL, field, byte offset). It may quote what a server sent;
/// control characters in such quotes are already escaped, so it can be logged as it is.
struct error {
    error_code code;
    std::string message;

    error() = default;
    error(error_code c, std::string text)
        : code(c)
        , message(std::move(text)) {}
    error(errc c, std::string text)
        : code(make_error_code(c))
        , message(std::move(text)) {}
    /// The code's own message as the sentence.
    explicit error(error_code c)
        : code(c)
        , message(c.message()) {}
};

/// A value or an `error`. `result::value()` throws `boost::system::system_error` where there is no value.
template <class T>
using result = boost::system::result<T, error>;

/// Customisation point of `boost::system::result`; not called by users.
[[noreturn]] inline void throw_exception_from_error(const error& e, const boost::source_location&) {
    throw boost::system::system_error(e.code, e.message);
}

} // namespace lokiship

/// @cond
template <>
struct boost::system::is_error_code_enum<lokiship::errc> : std::true_type {};
/// @endcond

#endif
