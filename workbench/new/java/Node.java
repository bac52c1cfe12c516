import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;

/** A node that passes echo. `workbench doc` describes all requests, errors and services. */
final class Node {
    record Message(String src, Map<?, ?> body) {}

    private String id; // this node's name and those of all nodes, from init
    private List<?> ids;

    void send(String dest, Map<String, Object> body) {
        String message = Json.write(Json.object("src", id, "dest", dest, "body", body)) + "\n";
        System.out.writeBytes(message.getBytes(UTF_8));
        System.out.flush();
    }

    void reply(Message request, Map<String, Object> body) {
        if (!request.body.containsKey("msg_id")) return;
        body.put("in_reply_to", request.body.get("msg_id"));
        send(request.src, body);
    }

    void replyError(Message request, int code, String text) {
        reply(request, Json.object("type", "error", "code", code, "text", text));
    }

    void onRequest(Message request, String type) {
        var body = request.body;
        switch (type) {
            case "init" -> {
                id = (String) body.get("node_id");
                ids = (List<?>) body.get("node_ids");
                System.err.println(id + " of " + ids);
                reply(request, Json.object("type", "init_ok"));
            }
            case "echo" -> {
                if (!body.containsKey("echo")) replyError(request, 12, "malformed request: no echo");
                else reply(request, Json.object("type", "echo_ok", "echo", body.get("echo")));
            }
            // The next requests go here: "generate" for unique-ids, "broadcast", …
            default -> replyError(request, 10, "not supported: " + type);
        }
    }

    void onLine(String line) {
        var fields = (Map<?, ?>) Json.parse(line);
        var message = new Message((String) fields.get("src"), (Map<?, ?>) fields.get("body"));
        // A reply is for the request that this node has sent with its number as msg_id.
        if (message.body.containsKey("in_reply_to")) return;
        onRequest(message, (String) message.body.get("type"));
    }

    public static void main(String[] arguments) throws IOException {
        var node = new Node();
        var input = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            try {
                node.onLine(line);
            } catch (RuntimeException error) { // a node must survive whatever it receives
                System.err.println(error + " in the message " + line);
            }
        }
    }
}
