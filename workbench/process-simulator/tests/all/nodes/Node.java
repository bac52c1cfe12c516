// Broadcast, in Java: a pool of threads, a scheduled executor, a lock, and sets in the order of hashes.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Node {
    static String name;
    static List<String> peers = new ArrayList<>();
    static final Set<Long> known = new TreeSet<>();
    static final Map<String, Set<Long>> owed = new HashMap<>();
    static final Random random = new Random();

    // Java has no parser of JSON: the messages of this workload are read with patterns.
    static String text(String line, String pattern) {
        Matcher found = Pattern.compile(pattern).matcher(line);
        return found.find() ? found.group(1) : null;
    }

    static List<Long> numbers(String list) {
        List<Long> numbers = new ArrayList<>();
        for (String number : list.split(",")) if (!number.isBlank()) numbers.add(Long.parseLong(number.trim()));
        return numbers;
    }

    static void send(String dest, String body) {
        System.out.println("{\"src\":\"" + name + "\",\"dest\":\"" + dest + "\",\"body\":{" + body + "}}");
        System.out.flush();
    }

    static void learn(List<Long> values, String source) {
        for (Long value : values) {
            if (!known.add(value)) continue;
            for (String peer : peers) if (!peer.equals(source)) owed.get(peer).add(value);
        }
    }

    static synchronized void handle(String line) {
        String source = text(line, "\"src\":\"([^\"]*)\"");
        String type = text(line, "\"type\":\"([^\"]*)\"");
        String answer = "\"type\":\"" + type + "_ok\",\"in_reply_to\":" + text(line, "\"msg_id\":(\\d+)");
        switch (type) {
            case "init" -> name = text(line, "\"node_id\":\"([^\"]*)\"");
            case "topology" -> {
                for (String peer : text(line, "\"" + name + "\":\\[([^\\]]*)\\]").split(",")) {
                    if (peer.isBlank()) continue;
                    peers.add(peer.replace("\"", ""));
                    owed.put(peer.replace("\"", ""), new TreeSet<>());
                }
            }
            case "broadcast" -> learn(numbers(text(line, "\"message\":(\\d+)")), source);
            case "read" -> answer += ",\"messages\":" + known;
            case "gossip" -> {
                String values = text(line, "\"values\":\\[([^\\]]*)\\]");
                learn(numbers(values), source);
                answer = "\"type\":\"seen\",\"values\":[" + values + "]";
            }
            default -> {
                owed.get(source).removeAll(numbers(text(line, "\"values\":\\[([^\\]]*)\\]")));
                return;
            }
        }
        send(source, answer);
    }

    static synchronized void gossip() {
        for (String peer : peers) {
            if (!owed.get(peer).isEmpty()) send(peer, "\"type\":\"gossip\",\"values\":" + owed.get(peer));
        }
    }

    public static void main(String[] arguments) throws Exception {
        var timer = Executors.newScheduledThreadPool(1);
        timer.scheduleWithFixedDelay(Node::gossip, 100, 100 + random.nextInt(10), TimeUnit.MILLISECONDS);
        ExecutorService pool = Executors.newFixedThreadPool(2);
        var in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String one = line;
            pool.submit(() -> handle(one));
        }
        System.exit(0);
    }
}
