#include "common/endpoint.hpp"

#include "common/setting.hpp"

#include <lokiship/http/credentials.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/algorithm/string/predicate.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <utility>

namespace lokiship::tools {

namespace {

using message = std::optional<std::string>;

/// What goes into a field's value.
message check_text(const std::string& text) {
    if (http::secret::control_character(text) != text.npos)
        return "has a control character, such as a line break";
    return std::nullopt;
}

message check_user(const std::string& text) {
    if (text.find(':') != text.npos)
        return "has a colon, which parts user and password";
    return check_text(text);
}

/// What Loki takes for one that is written to; it parts several of a query by '|'.
message check_tenant(const std::string& text) {
    if (text.find('|') != text.npos)
        return "names several tenants, which is for queries only";
    const bool good = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!-_.*'()").find(c) != std::string_view::npos;
    });
    if (!good || text.size() > 150 || text == "." || text == "..")
        return "is no tenant that Loki takes: at most 150 letters, digits and !-_.*'(), and neither . nor ..";
    return std::nullopt;
}

bool is_field_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

message check_field(const std::string& side, const std::string& text) {
    const auto at = text.find('=');
    if (at == text.npos)
        return "is not NAME=VALUE";
    const std::string name = text.substr(0, at), value = text.substr(at + 1);
    if (!is_field_name(name))
        return "has a name that HTTP does not take";
    const auto is = [&name](std::string_view other) { return boost::algorithm::iequals(name, other); };
    if (is("Authorization"))
        return "is what --" + side + "-user and --" + side + "-token-file are for";
    if (is("X-Scope-OrgID") && side == "loki")
        return "is what --tenant is for";
    for (const char* own :
         {"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect",
          "Host", "Keep-Alive", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade"})
        if (is(own))
            return "is a field that is sent as the request needs it";
    return check_text(value);
}

std::string masked_field(const std::string& text) {
    const auto at = text.find('=');
    return text.empty() ? text : at == text.npos ? "****" : text.substr(0, at) + "=****";
}

/// Where a setting comes from, as messages name it.
const std::string& origin(const values& v, const std::string& name) {
    return v.find(name)->second.origin;
}

/// Files that only a transport with TLS has a use for.
http::tls_options tls_of(const values& v, const std::string& side, const http::url& url) {
    http::tls_options out{v.text(side + "-ca"), v.text(side + "-cert"), v.text(side + "-key"),
                          v.flag(side + "-insecure-skip-verify")};
    for (const char* name : {"-ca", "-cert", "-key", "-insecure-skip-verify"})
        if (const std::string& text = v.text(side + name); !url.tls() && !text.empty() && text != "false")
            throw wrong_use_error(origin(v, side + name) + ": is for https, and " + origin(v, side) + " is " +
                                  url.display());
    if (!out.key_file.empty() && out.certificate_file.empty())
        throw wrong_use_error(origin(v, side + "-key") + ": needs --" + side + "-cert");
    if (out.insecure_skip_verify && !out.ca_file.empty())
        throw wrong_use_error(origin(v, side + "-insecure-skip-verify") + " and " + origin(v, side + "-ca") +
                              " cannot be used together");
    return out;
}

/// The password or token, where there is one.
std::optional<http::secret> secret_of(const values& v, const std::string& name) {
    const std::string& text = v.text(name);
    const std::string& file = v.text(name + "-file");
    if (!text.empty() && !file.empty())
        throw wrong_use_error(origin(v, name) + " and " + origin(v, name + "-file") +
                              " cannot be used together");
    if (!file.empty())
        return http::secret::in_file(file);
    return text.empty() ? std::nullopt : std::optional(http::secret::text(text));
}

std::string origin_of_secret(const values& v, const std::string& name) {
    return origin(v, v.text(name).empty() ? name + "-file" : name);
}

http::authorization_source authorization_of(const values& v, const std::string& side, const http::url& url) {
    const std::string &user = v.text(side + "-user"), user_origin = origin(v, side + "-user");
    const auto password = secret_of(v, side + "-password"), token = secret_of(v, side + "-token");
    const auto refuse = [](const std::string& one, const std::string& other) {
        throw wrong_use_error(one + " and " + other + " cannot be used together");
    };
    if (token && (password || !user.empty()))
        refuse(origin_of_secret(v, side + "-token"),
               user.empty() ? origin_of_secret(v, side + "-password") : user_origin);
    if (!url.userinfo.empty() && (token || password || !user.empty()))
        refuse(token           ? origin_of_secret(v, side + "-token")
               : !user.empty() ? user_origin
                               : origin_of_secret(v, side + "-password"),
               "the user in " + origin(v, side));
    if (password && user.empty())
        throw wrong_use_error(origin_of_secret(v, side + "-password") + ": needs --" + side + "-user");
    if (!user.empty() && !password)
        throw wrong_use_error(user_origin + ": needs --" + side + "-password-file, or the password in " +
                              (side == "loki" ? "LOKI" : "BACKEND") + "_PASSWORD");
    if (!token && !password)
        return {};
    if (const auto now = (token ? token : password)->read(); !now)
        throw wrong_use_error(origin_of_secret(v, side + (token ? "-token" : "-password")) + ": " +
                              now.error().message);
    return token ? http::bearer_authorization(*token) : http::basic_authorization(user, *password);
}

/// A file that systemd gives (`LoadCredential=NAME:…`), where it does; else nothing.
std::string credential(const std::string& name) {
    const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    const std::string path = folder && *folder != '\0' ? folder + ('/' + name) : "";
    return !path.empty() && access(path.c_str(), R_OK) == 0 ? path : "";
}

setting credential_setting(std::string name, std::string help) {
    setting out = file_setting(name, std::move(help));
    const auto suffix = std::string_view("-file");
    out.default_value =
        credential(name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name);
    return out;
}

} // namespace

std::vector<setting> endpoint_settings(const std::string& side) {
    const bool loki = side == "loki";
    const std::string who = loki ? "Loki" : "the backend", upper = loki ? "LOKI" : "BACKEND";
    std::vector<setting> out{
        text_setting(side + "-user", "NAME", "",
                     "User for " + who + " (basic authentication); the password comes from " + upper +
                         "_PASSWORD or the next",
                     check_user),
        secret_setting(side + "-password", upper + "_PASSWORD"),
        credential_setting(side + "-password-file",
                           "File with that password; read again whenever it changes"),
        secret_setting(side + "-token", upper + "_TOKEN"),
        credential_setting(side + "-token-file", "File with a bearer token for " + who +
                                                     ", else taken from " + upper +
                                                     "_TOKEN; read again whenever it changes"),
        list_setting(
            side + "-header", "NAME=VALUE", "Header field that is sent to " + who + " with each request",
            [side](const std::string& text) { return check_field(side, text); }, masked_field),
        credential_setting(side + "-ca",
                           "Certificates, in PEM, of the authorities to trust for " + who +
                               " in place of the system's; read again whenever it changes, as are the next"),
        credential_setting(side + "-cert",
                           "Client certificate for " + who + ", in PEM, with those in between behind it"),
        credential_setting(side + "-key", "Its key, in PEM and not encrypted; default: in the same file"),
        flag_setting(side + "-insecure-skip-verify",
                     "Take any certificate of " + who +
                         ", whoever it is from; who is on the way can then read and change all"),
    };
    if (loki)
        out.insert(out.begin(),
                   text_setting("tenant", "ID", "", "Loki's tenant, sent as X-Scope-OrgID", check_tenant));
    return out;
}

endpoint endpoint_of(const values& v, const std::string& side, const http::environment& environment,
                     std::function<void(std::string_view)> warn) {
    const auto tell = [&warn](const std::string& text) {
        if (warn)
            warn(text);
    };
    endpoint out;
    out.url = http::parse_url(v.text(side)).value();
    const std::string where = out.url.display();
    const bool secret_fields = !v.text(side + "-header").empty();
    out.options.authorization = authorization_of(v, side, out.url);
    out.tls = tls_of(v, side, out.url);
    auto proxy = http::proxy_for(out.url, environment);
    if (!proxy)
        throw wrong_use_error(proxy.error().message);
    out.options.proxy = std::move(*proxy);
    if (out.tls.insecure_skip_verify)
        tell(origin(v, side + "-insecure-skip-verify") + ": the certificate of " + where +
             " is not checked: whoever is on the way can read and change all, and gets the credentials");
    if (!out.url.tls() && !http::is_loopback(out.url.host) &&
        (out.options.authorization || !out.url.userinfo.empty() || secret_fields))
        tell(origin(v, side) + ": what is sent to " + where +
             ", credentials too, can be read by whoever is on the way; use https");
    const auto is_set = [&environment](const char* name) { return !environment(name).value_or("").empty(); };
    if (!out.url.tls() && !http::is_loopback(out.url.host) && !out.options.proxy && is_set("HTTP_PROXY") &&
        !is_set("http_proxy"))
        tell("HTTP_PROXY (environment) is not read for " + where + ", as curl does not; set http_proxy");
    out.options.warn = std::move(warn);
    for (const auto& text : v.list(side + "-header")) {
        const auto at = text.find('=');
        out.options.fields.add(text.substr(0, at), text.substr(at + 1));
    }
    if (side == "loki" && !v.text("tenant").empty())
        out.options.fields.add("X-Scope-OrgID", v.text("tenant"));
    return out;
}

} // namespace lokiship::tools
