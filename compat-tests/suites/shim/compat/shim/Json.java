package compat.shim;

/** Just enough JSON to write a flat line. */
final class Json {
    private Json() {}

    static String member(String name, String value) {
        return text(name) + ":" + text(value);
    }

    static String text(String value) {
        if (value == null) return "null";
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') quoted.append('\\').append(c);
            else if (c < ' ' || c > '~') quoted.append(String.format("\\u%04x", (int) c));
            else quoted.append(c);
        }
        return quoted.append('"').toString();
    }
}
