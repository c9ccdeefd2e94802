#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/simdjson_scanner.hpp>

#include <iostream>
#include <string>

int main() {
    using namespace lokiship;
    aoss::simdjson_scanner scanner;
    std::string commands;
    aoss::page_reader reader([&](const aoss::execution_record& r) { commands += r.command + ' '; }, {},
                             &scanner);
    if (!reader.write(
            R"({"logs":[{"step":1,"command":"a"},{"step":2,"command":"b"},{"step":3,"command":"c"}]})") ||
        !reader.finish())
        return 1;
    std::cout << commands << '\n';
    return commands == "a b c " ? 0 : 1;
}
