#include <lokiship/text/redactor.hpp>

#include <iostream>
#include <string>

int main() {
    const lokiship::text::redactor redact;
    std::string text = "password=geheim";
    const bool changed = redact(text);
    std::cout << text << '\n';
    return changed && text == "password=[REDACTED]" ? 0 : 1;
}
