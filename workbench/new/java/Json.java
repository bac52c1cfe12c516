import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Pattern;

/** JSON as values of Java: Map, List, String, Boolean, null, and BigDecimal, which loses no digit. */
final class Json {
    private static final int MAX_DEPTH = 500;
    private static final Pattern NUMBER =
            Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?");

    private final String text;
    private int at = 0;

    private Json(String text) {
        this.text = text;
    }

    /** An object of names and values in turn. */
    static Map<String, Object> object(Object... fields) {
        var object = new LinkedHashMap<String, Object>();
        for (int i = 0; i < fields.length; i += 2) object.put((String) fields[i], fields[i + 1]);
        return object;
    }

    /** Reads a value. Text that is no JSON is an IllegalArgumentException. */
    static Object parse(String text) {
        var json = new Json(text);
        Object value = json.value(0);
        json.peek();
        if (json.at < text.length()) throw json.malformed();
        return value;
    }

    /** Writes a value: those of {@link #parse}, and numbers of any type. */
    static String write(Object value) {
        if (value instanceof Map<?, ?> map) {
            var fields = new StringJoiner(",", "{", "}");
            map.forEach((name, field) -> fields.add(write(name) + ":" + write(field)));
            return fields.toString();
        } else if (value instanceof List<?> list) {
            var items = new StringJoiner(",", "[", "]");
            list.forEach(item -> items.add(write(item)));
            return items.toString();
        } else if (value instanceof String string) {
            var quoted = new StringBuilder("\"");
            for (char c : string.toCharArray()) {
                if (c == '"' || c == '\\') quoted.append('\\').append(c);
                else if (c >= ' ' && c <= '~') quoted.append(c);
                else quoted.append(String.format("\\u%04x", (int) c));
            }
            return quoted.append('"').toString();
        }
        return String.valueOf(value);
    }

    private Object value(int depth) {
        if (depth > MAX_DEPTH) throw malformed();
        switch (peek()) {
            case '{':
                var object = new LinkedHashMap<String, Object>();
                for (boolean more = open('}'); more; more = more('}')) {
                    peek();
                    String name = string();
                    take(':');
                    object.put(name, value(depth + 1));
                }
                return object;
            case '[':
                var list = new ArrayList<Object>();
                for (boolean more = open(']'); more; more = more(']')) list.add(value(depth + 1));
                return list;
            case '"':
                return string();
            case 't':
                return word("true", true);
            case 'f':
                return word("false", false);
            case 'n':
                return word("null", null);
            default:
                var number = NUMBER.matcher(text).region(at, text.length());
                if (!number.lookingAt()) throw malformed();
                at = number.end();
                return new BigDecimal(number.group());
        }
    }

    /** The next character after blanks, or 0 at the end. */
    private char peek() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
        return at < text.length() ? text.charAt(at) : 0;
    }

    private void take(char expected) {
        if (peek() != expected) throw malformed();
        at++;
    }

    /** Takes a bracket; whether anything comes before the closing one. */
    private boolean open(char close) {
        at++;
        return !closes(close);
    }

    /** Takes a comma or the closing bracket; whether it was a comma. */
    private boolean more(char close) {
        if (closes(close)) return false;
        take(',');
        return true;
    }

    private boolean closes(char close) {
        if (peek() != close) return false;
        at++;
        return true;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw malformed();
        at += word.length();
        return value;
    }

    private String string() {
        if (next() != '"') throw malformed();
        var string = new StringBuilder();
        for (char c = next(); c != '"'; c = next()) {
            if (c < ' ') throw malformed();
            string.append(c == '\\' ? escaped() : c);
        }
        return string.toString();
    }

    /** A surrogate pair is two escapes, as it is two chars. */
    private char escaped() {
        char c = next();
        if (c == 'u') {
            int code = 0;
            for (int i = 0; i < 4; i++) {
                int digit = "0123456789abcdef".indexOf(Character.toLowerCase(next()));
                if (digit < 0) throw malformed();
                code = 16 * code + digit;
            }
            return (char) code;
        }
        int which = "\"\\/bfnrt".indexOf(c);
        if (which < 0) throw malformed();
        return "\"\\/\b\f\n\r\t".charAt(which);
    }

    private char next() {
        if (at >= text.length()) throw malformed();
        return text.charAt(at++);
    }

    private IllegalArgumentException malformed() {
        return new IllegalArgumentException("no JSON at character " + at);
    }
}
