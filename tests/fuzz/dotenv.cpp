// What a `.env` says is written and read as the same; an error never quotes it.
#include "common/dotenv.hpp"

#include "fuzz.hpp"

#include <string>

using namespace lokiship;
using fuzz::require;

namespace {

std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value)
        if (c == '\n')
            out += "\\n";
        else if (c == '"' || c == '\\')
            (out += '\\') += c;
        else
            out += c;
    return out + '"';
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    const auto entries = tools::parse_dotenv(text);
    if (!entries) {
        const std::string& message = entries.error().message;
        require(message.starts_with(".env:") && message.size() < 100, "a message is short", message);
        return 0;
    }
    std::string written;
    std::size_t line = 0;
    for (const auto& e : *entries) {
        require(e.line > line, "there is one entry a line");
        line = e.line;
        require(text.find(e.name) != text.npos, "a name stands in the text");
        written += "export " + e.name + " = " + quoted(e.value) + " # x\r\n";
    }
    const auto again = tools::parse_dotenv(written);
    require(again.has_value() && again->size() == entries->size(), "what is written is read", written);
    for (std::size_t i = 0; i != entries->size(); ++i)
        require((*again)[i].name == (*entries)[i].name && (*again)[i].value == (*entries)[i].value,
                "what is written is read as the same", written);
    return 0;
}
