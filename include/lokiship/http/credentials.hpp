#ifndef LOKISHIP_HTTP_CREDENTIALS_HPP
#define LOKISHIP_HTTP_CREDENTIALS_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/base64.hpp>
#include <lokiship/http/detail/small_file.hpp>
#include <lokiship/http/transport_options.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http {

/// A password or token: a text, or what a file holds. No error or other message ever quotes it.
class secret {
public:
    static secret text(std::string value) { return secret(std::move(value), {}); }
    static secret in_file(std::string path) { return secret({}, std::move(path)); }

    /// The secret as it is now: a file is read at each call. One line end at its end is no part of it.
    ///
    /// Errors: `errc::unusable_credentials` where it is empty or has a control character, or the file cannot be read,
    /// is none, or has more than 64 KiB. The message names the file.
    result<std::string> read() const {
        std::string value = value_, where = "it";
        if (!path_.empty()) {
            auto content = detail::read_small_file(path_, 64 * 1024);
            if (!content)
                return content.error();
            value = std::move(*content);
            where = '\'' + text::escape_for_log(path_) + '\'';
            if (value.ends_with('\n'))
                value.pop_back();
            if (value.ends_with('\r'))
                value.pop_back();
        }
        if (value.empty())
            return error(errc::unusable_credentials, where + " is empty");
        if (const auto at = control_character(value); at != value.npos)
            return error(errc::unusable_credentials,
                         where + " has a control character, such as a line break, at byte " +
                             std::to_string(at));
        return value;
    }

    /// Where a text has a control character, which no field's value may have (a tab, too, is refused); else `npos`.
    static std::size_t control_character(std::string_view text) noexcept {
        const auto at = std::find_if(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        });
        return at == text.end() ? text.npos : static_cast<std::size_t>(at - text.begin());
    }

private:
    secret(std::string value, std::string path)
        : value_(std::move(value))
        , path_(std::move(path)) {}

    std::string value_, path_;
};

/// HTTP's basic authentication. Precondition: `user` has no colon. Errors of the source: those of `secret::read`.
inline authorization_source basic_authorization(std::string user, secret password) {
    return [user = std::move(user), password = std::move(password)]() -> result<std::string> {
        auto read = password.read();
        if (!read)
            return read.error();
        return "Basic " + detail::base64(user + ':' + *read);
    };
}

/// A bearer token (RFC 6750). Errors of the source: those of `secret::read`.
inline authorization_source bearer_authorization(secret token) {
    return [token = std::move(token)]() -> result<std::string> {
        auto read = token.read();
        if (!read)
            return read.error();
        return "Bearer " + *read;
    };
}

} // namespace lokiship::http

#endif
