/**
 * Kafka in ZooKeeper mode, acted out: brokers on a ZooKeeper server that is stopped and killed under them.
 *
 * usage: Plays HOST:PORT/kafka BROKER:PORT,BROKER:PORT life|cluster
 */
public final class Plays {
    public static void main(String[] words) {
        try {
            Stage stage = new Stage(words[0], words[1]);
            switch (words[2]) {
                case "life":
                    new Life(stage).play();
                    break;
                case "cluster":
                    new Cluster(stage).play();
                    break;
                default:
                    throw new IllegalArgumentException(words[2]);
            }
            System.exit(0);
        } catch (Throwable error) {
            error.printStackTrace();
            System.exit(1);
        }
    }
}
