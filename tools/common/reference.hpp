#ifndef LOKISHIP_TOOLS_COMMON_REFERENCE_HPP
#define LOKISHIP_TOOLS_COMMON_REFERENCE_HPP

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::tools {

/// What there is to say of a tool and its options, in whatever form.
struct reference {
    struct option {
        /// With their dashes, short ones first.
        std::vector<std::string> names;
        /// What stands for the value: a word in upper case, the choices as `one|other`, or both. Empty for a flag.
        std::string placeholder;
        std::string help;
        bool repeatable = false;
    };

    std::string tool, version;
    /// The first sentence says what it does; what begins with `Exit codes: ` is about these.
    std::string description;
    std::string footer;
    std::vector<option> options;
    /// What the environment alone sets.
    std::vector<std::string> variables;
};

/// For man(7), section 1.
std::string man_page(const reference& of);
std::string bash_completion(const reference& of);
std::string zsh_completion(const reference& of);
std::string fish_completion(const reference& of);

/// As one of these, by the words `man`, `bash`, `zsh` and `fish`; nothing for another word.
std::optional<std::string> in_format(std::string_view format, const reference& of);

} // namespace lokiship::tools

#endif
