// Unique ids with a race: between reading the counter and writing it, the thread logs.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Race {
    static volatile String name;
    static volatile int counter;

    static String text(String line, String pattern) {
        Matcher found = Pattern.compile(pattern).matcher(line);
        return found.find() ? found.group(1) : null;
    }

    static void handle(String line) {
        String source = text(line, "\"src\":\"([^\"]*)\"");
        String type = text(line, "\"type\":\"([^\"]*)\"");
        String answer = "\"type\":\"" + type + "_ok\",\"in_reply_to\":" + text(line, "\"msg_id\":(\\d+)");
        if (type.equals("init")) {
            name = text(line, "\"node_id\":\"([^\"]*)\"");
        } else {
            int number = counter;
            System.err.println("number " + number);
            counter = number + 1;
            answer += ",\"id\":\"" + name + "-" + number + "\"";
        }
        System.out.println("{\"src\":\"" + name + "\",\"dest\":\"" + source + "\",\"body\":{" + answer + "}}");
        System.out.flush();
    }

    public static void main(String[] arguments) throws Exception {
        var pool = Executors.newFixedThreadPool(3);
        var in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String one = line;
            pool.submit(() -> handle(one));
        }
        System.exit(0);
    }
}
