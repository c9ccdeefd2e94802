#ifndef LOKISHIP_TEXT_REDACTOR_HPP
#define LOKISHIP_TEXT_REDACTOR_HPP

#include <lokiship/text/detail/literal_filter.hpp>
#include <lokiship/version.hpp>

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::text {

namespace detail {

/// One way in which secrets are written.
struct secret_shape {
    /// One of these, in either case, is in each text that can have one.
    std::vector<std::string> literals;
    /// Found in each such text; cheap.
    std::string trigger;
    /// The first group that takes part is the secret, or else the whole match.
    std::string pattern;
    /// What is left alone in its place.
    std::string no_secret{};
};

/// The well-known ones. Bytes, not code points: what they end at is ASCII, so that no code point is cut.
inline std::vector<secret_shape> well_known_shapes() {
    const std::string key_name = R"((?:api|access|private|secret|account|encryption)[_. -]?key)";
    const std::string name = "(?:passw(?:or)?d|passphrase|secret|token|" + key_name + ')';
    // To the closing quote, or where that is missing, the end of the line.
    const std::string quoted =
        R"re((?:"((?:[^"\\\n]|\\.)*)|'((?:[^'\\\n]|\\.)*)|\\+["'](.*?)(?:\\+["']|$)))re";
    // To the next blank, without the punctuation before that.
    const auto word = [](const std::string& not_first = "") {
        const std::string last = R"([^\s,;)}"'\\])";
        return "([^" + not_first + R"(\s"'\\]\S*)" + last + "|[^" + not_first + R"(\s,;)}"'\\]))";
    };
    const std::string value = "(?:" + quoted + '|' + word() + ')';
    const std::string after_name = R"(["'\\]*[ \t]*)";
    // No path, such as that of /etc/passwd.
    const std::string name_begin = R"((?:^|[^/\w.-])[\w.-]*)";

    const std::string nothing =
        R"re(\*+|\.+|(?i:null|nil|none|true|false|yes|no|undefined)|<[^<>]*>|\$\{[^{}]*\}?|\$\([^()]*\)?)re"
        R"re(|\$[A-Z_][A-Z0-9_]*|\$[0-9]|\{\{.*|%s|[|>][+-]?|!vault)re";
    const std::string prose =
        nothing +
        R"re(|(?i:retype|re-?enter|repeat|again|enter|confirm|verify|passwd:|incorrect|invalid|wrong|required|expired|is|was)re"
        R"re(|has|must|may|not|never|updated|changed|unchanged|for|to|the|a|an|authentication|permission))re";
    const std::string databases = nothing + "|files|compat|db|sss|ldap|systemd";

    const std::string names = "(?i)passw|passphrase|secret|token|" + key_name;
    const std::vector<std::string> name_literals{"pass", "secret", "token", "key"};
    return {
        {{"-----BEGIN"},
         "-----BEGIN",
         R"((?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(.*?)(?:-----END|\z))"},
        // The end of one whose beginning is missing.
        {{"KEY-----"},
         "PRIVATE KEY-----",
         R"(((?:[A-Za-z0-9+/=]{4,}(?:\s|\\[rn])+)+)-----END [A-Z0-9 ]*PRIVATE KEY-----)"},
        {{"authorization"},
         "(?i)authorization",
         R"re((?i)authorization["'\\]*[ \t]*[:=][ \t]*["'\\]*(?:bearer|basic|token|negotiate|digest)[ \t]+)re" +
             word(),
         nothing},
        {{"bearer"}, "(?i)bearer", R"re((?i)\bbearer[ \t]+([A-Za-z0-9._~+/=-]{16,}))re"},
        // Whatever is glued to one goes with it.
        {{"AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox",
          "eyJ"},
         "AKIA|ASIA|AIza|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|eyJ",
         R"((?:^|[^A-Za-z0-9])((?:(?:AKIA|ASIA)[A-Z0-9]{8}|AIza[\w-]{16}|gh[pousr]_[A-Za-z0-9]{16}|github_pat_\w{8})"
         R"(|glpat-[\w-]{12}|xox[abeoprs]-[A-Za-z0-9-]{10}|eyJ[\w-]{8,}(?:\.[\w-]+){1,2})[\w-]*))"},
        {{"://"}, "://", R"re((?i)[a-z0-9]://[^\s/?#:@"'\[\]]*:([^\s/?#"']+)@)re", nothing},
        {name_literals, names + R"(|pass["'\\]*[ \t]*:?=)",
         "(?im)(?:" + name + R"(|(?:\b|_)pass))" + after_name + R"((?:={1,3}>?|:=)[ \t]*)" + value, nothing},
        {name_literals, names, "(?im)" + name + after_name + R"(:[ \t]*)" + quoted, nothing},
        {name_literals, names,
         "(?i)" + name_begin + "(?:password|passphrase|" + key_name + ')' + R"(["']?[ \t]*:[ \t]*)" +
             word(":="),
         prose},
        // The program's messages have several words.
        {{"passwd"},
         "(?i)passwd",
         "(?im)" + name_begin + R"(passwd["']?[ \t]*:[ \t]*)" + word(":=") + R"([ \t\r]*$)",
         databases},
        {{"secret", "token"},
         "(?i)secret|token",
         "(?i)" + name_begin + R"re((?:secret|token)["']?[ \t]*:[ \t]*([^:=\s"'\\]\S{6,}[^\s,;)}"'\\]))re",
         nothing},
        // The shell's variable, often a path.
        {{"pwd"},
         "(?i)pwd",
         "(?im)pwd" + after_name + "(?:(?:={1,3}>?|:=)[ \\t]*" + value + "|:[ \\t]*" + quoted + ')',
         nothing + "|/.*"},
        {name_literals, names + "|-pass",
         R"re((?im)(?:^|[\s"'])-{1,2}[\w-]*(?:pass|)re" + name + ")[ \\t](?:" + quoted + '|' +
             word("-|&;<>") + ')',
         nothing},
        // SQL
        {{"password", "identified"},
         "(?i)password[ \\t]+'|identified",
         R"re((?i)(?:\bpassword|identified[ \t]+(?:with[ \t]+\S+[ \t]+)?by)[ \t]+'((?:[^'\\\n]|\\.)*))re"},
        {{"sshpass"}, "sshpass", R"((?m)\bsshpass[ \t]+-p[ \t]*)" + value, nothing},
        // Cut off before its host; a port has no letter.
        {{"://"},
         "://",
         R"re((?i)[a-z0-9]://[^\s/?#:@"'\[\]]*:([^\s/?#@"']*[a-z][^\s/?#@"']*)\z)re",
         nothing},
    };
}

} // namespace detail

/// Replaces secrets in a text by `[REDACTED]`: those of well-known shapes, and what own patterns match. Needs RE2;
/// `lokiship.hpp` does not include it.
///
/// The shapes: private keys in PEM, also with one end cut off; the value of a password, passphrase, secret, token, API,
/// access, private, account or encryption key in `name=value`, `name: value`, JSON, behind an option, `--password value`,
/// and in SQL; the tokens of `Authorization` and `Bearer`; those of AWS (`AKIA`, `ASIA`), Google (`AIza`), GitHub, GitLab
/// and Slack; JWTs; and the password in `scheme://user:password@host`. Names and everything else stay. Doing it again
/// changes nothing.
///
/// The time is linear in the text's size. Any bytes may be in it; no code point is cut. Can be used from several threads at
/// once; copies share what they are made of.
class redactor {
public:
    static constexpr std::string_view marker = "[REDACTED]";

    /// `own`: further patterns, in RE2's syntax; the first group that takes part in a match is replaced, or else the whole
    /// match. They see a text first. Throws `std::invalid_argument` for one that `check` refuses, with its message.
    explicit redactor(const std::vector<std::string>& own = {}) {
        auto out = std::make_shared<state>();
        for (const auto& pattern : own) {
            if (const auto wrong = check(pattern))
                throw std::invalid_argument('\'' + pattern + "': " + *wrong);
            out->own.add({{}, pattern, pattern});
        }
        for (const auto& shape : detail::well_known_shapes())
            out->well_known.add(shape);
        out->own.compile();
        out->well_known.compile();
        state_ = std::move(out);
    }

    /// What RE2 says against a pattern.
    static std::optional<std::string> check(const std::string& pattern) {
        const RE2 compiled(pattern, options(RE2::Options::EncodingUTF8));
        return compiled.ok() ? std::nullopt : std::optional(compiled.error());
    }

    /// Whether something was replaced.
    bool operator()(std::string& text) const {
        bool out = state_->own.replace(text);
        // A secret that is gone can leave words that now look like another's name and value.
        for (int pass = 0; pass != most_passes && state_->well_known.replace(text); ++pass)
            out = true;
        return out;
    }

private:
    static constexpr int most_passes = 4;

    static RE2::Options options(RE2::Options::Encoding encoding) {
        RE2::Options out;
        out.set_encoding(encoding);
        out.set_log_errors(false);
        // Of program and automata; where these outgrow it, matching becomes slower, but stays linear.
        out.set_max_mem(1 << 20);
        return out;
    }

    /// Shapes, and which of them a text can have by one look at it.
    class shapes {
    public:
        explicit shapes(RE2::Options::Encoding encoding)
            : options_(options(encoding))
            , triggers_(options_, RE2::UNANCHORED) {}

        void add(const detail::secret_shape& s) {
            triggers_.Add(s.trigger, nullptr);
            has_literals_ = has_literals_ && !s.literals.empty();
            for (const auto& l : s.literals)
                literals_.add(l);
            all_.push_back({std::make_unique<RE2>(s.pattern, options_),
                            s.no_secret.empty() ? nullptr : std::make_unique<RE2>(s.no_secret, options_)});
            if (!all_.back().pattern->ok())
                throw std::invalid_argument(all_.back().pattern->error());
        }
        void compile() { triggers_usable_ = triggers_.Compile(); }

        bool replace(std::string& text) const {
            if (all_.empty() || text.empty() || (has_literals_ && !literals_.may_find(text)))
                return false;
            std::vector<int> found;
            if (!may_have_some(text, found))
                return false;
            bool out = false;
            for (const int i : found)
                out |= replace(text, all_[static_cast<std::size_t>(i)]);
            return out;
        }

    private:
        struct shape {
            std::unique_ptr<RE2> pattern, no_secret;
        };

        /// Most texts have none, and cost no more than this.
        bool may_have_some(const std::string& text, std::vector<int>& found) const {
            RE2::Set::ErrorInfo failed{};
            if (triggers_usable_ && !triggers_.Match(text, nullptr, &failed) &&
                failed.kind != RE2::Set::kOutOfMemory)
                return false;
            found.clear();
            if (triggers_usable_ && triggers_.Match(text, &found, &failed)) {
                std::sort(found.begin(), found.end());
                return true;
            }
            for (std::size_t i = 0; i != all_.size(); ++i)
                found.push_back(static_cast<int>(i));
            return true;
        }

        static bool replace(std::string& text, const shape& s) {
            constexpr int most_groups = 16;
            re2::StringPiece groups[most_groups];
            const int n = std::min(s.pattern->NumberOfCapturingGroups() + 1, most_groups);
            std::string out;
            std::size_t copied = 0, at = 0;
            for (std::size_t matches = 0;
                 at <= text.size() && s.pattern->Match(text, at, text.size(), RE2::UNANCHORED, groups, n);
                 ++matches) {
                const auto* secret =
                    std::find_if(groups + 1, groups + n, [](const auto& g) { return g.data(); });
                if (secret == groups + n)
                    secret = groups;
                re2::StringPiece part = *secret;
                // Each match may look at the whole rest.
                if (matches == most_matches)
                    part = re2::StringPiece(
                        part.data(), static_cast<std::size_t>(text.data() + text.size() - part.data()));
                const auto begin = static_cast<std::size_t>(part.data() - text.data());
                if (!part.empty() && part != re2::StringPiece(marker.data(), marker.size()) &&
                    !(s.no_secret && matches != most_matches && RE2::FullMatch(part, *s.no_secret))) {
                    out.append(text, copied, begin - copied);
                    out += marker;
                    copied = begin + part.size();
                }
                if (matches == most_matches)
                    break;
                const auto end = static_cast<std::size_t>(groups[0].data() - text.data()) + groups[0].size();
                at = groups[0].empty() ? end + 1 : end;
            }
            if (copied == 0)
                return false;
            out.append(text, copied);
            text = std::move(out);
            return true;
        }

        /// With more in one text, the rest of it is replaced as a whole.
        static constexpr std::size_t most_matches = 1000;

        RE2::Options options_;
        detail::literal_filter literals_;
        bool has_literals_ = true;
        RE2::Set triggers_;
        std::vector<shape> all_;
        bool triggers_usable_ = false;
    };

    struct state {
        shapes own{RE2::Options::EncodingUTF8}, well_known{RE2::Options::EncodingLatin1};
    };
    std::shared_ptr<const state> state_;
};

} // namespace lokiship::text

#endif
