#ifndef LOKISHIP_TOOLS_COMMON_DOTENV_HPP
#define LOKISHIP_TOOLS_COMMON_DOTENV_HPP

#include <lokiship/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::tools {

/// One assignment of a `.env` file.
struct dotenv_entry {
    std::string name;
    std::string value;
    std::size_t line = 0;
};

/// Reads the text of a `.env` file: `NAME=value` lines, `export ` before a name, `#` comments (behind an
/// unquoted value after a space), `'literal'` and `"with \n \t \" \\ escapes"`, CRLF line ends and a byte
/// order mark. An error names the line and what is wrong with it, not its value.
result<std::vector<dotenv_entry>> parse_dotenv(std::string_view text);

} // namespace lokiship::tools

#endif
