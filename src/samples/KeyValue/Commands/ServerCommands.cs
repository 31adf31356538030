using System.Net;
using System.Text;
using Resp;

namespace KeyValue.Commands;

/// <summary>Commands on the server as a whole, and the few that exist so that tools go on.</summary>
internal static class ServerCommands
{
    public static void Time(scoped in CommandCall call, ref RespWriter reply)
    {
        long now = call.Space.Clock.Microseconds;
        reply.Array(2);
        reply.BulkInteger(now / 1_000_000);
        reply.BulkInteger(now % 1_000_000);
    }

    public static void Info(scoped in CommandCall call, ref RespWriter reply)
    {
        HashSet<string> sections = new(StringComparer.OrdinalIgnoreCase);
        for (int i = 1; i < call.Count; i++)
        {
            sections.Add(Encoding.Latin1.GetString(call[i]));
        }
        reply.Text(Encoding.Latin1.GetBytes(ServerInfo.Describe(call.Server, sections)));
    }

    public static void Shutdown(scoped in CommandCall call, ref RespWriter reply)
    {
        bool saves = false;
        bool savesNot = false;
        for (int i = 1; i < call.Count; i++)
        {
            saves |= call.Is(i, "SAVE"u8);
            savesNot |= call.Is(i, "NOSAVE"u8);
            if ((saves && savesNot) || (!call.Is(i, "NOSAVE"u8) && !call.Is(i, "SAVE"u8) && !call.Is(i, "NOW"u8) && !call.Is(i, "FORCE"u8)))
            {
                call.Fail(ref reply, Errors.Syntax);
                return;
            }
        }
        if (call.Session.RemoteEndPoint is IPEndPoint { Address: IPAddress address } && !IPAddress.IsLoopback(address) && !call.Server.AllowsRemoteShutdown)
        {
            call.Fail(ref reply, "ERR SHUTDOWN is allowed from this machine only: start the server with --remote-shutdown to allow it from others"u8);
            return;
        }
        // No reply: the closing connection is the answer that clients wait for.
        call.Session.CloseAfterReply();
        call.Server.RequestStop();
    }

    public static void Wait(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!call.TryNumber(1, out _, ref reply))
        {
            return;
        }
        if (!Store.Integers.TryParse(call[2], out long timeout))
        {
            call.Fail(ref reply, "ERR timeout is not an integer or out of range"u8);
        }
        else if (timeout < 0)
        {
            call.Fail(ref reply, "ERR timeout is negative"u8);
        }
        else
        {
            // There are no replicas, and waiting would not make any.
            reply.Number(0);
        }
    }

    public static void Flush(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count == 2 || (call.Count == 3 && (call.Is(2, "ASYNC"u8) || call.Is(2, "SYNC"u8))))
        {
            reply.Ok();
        }
        else
        {
            call.Fail(ref reply, call.Command.Parent!.Name == "script" ? "ERR SCRIPT FLUSH only support SYNC|ASYNC option"u8 : "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"u8);
        }
    }

    public static void Cluster(scoped in CommandCall call, ref RespWriter reply) => call.Fail(ref reply, Errors.NoCluster);

    public static void Debug(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!call.Server.AllowsDebug)
        {
            call.Fail(ref reply, "ERR DEBUG command not allowed. Start the server with --enable-debug to allow it."u8);
            return;
        }
        if (call.Is(1, "SLEEP"u8) && call.Count == 3 && CommandCall.TryFloat(call[2], out double seconds) && seconds is >= 0 and <= 60)
        {
            // On purpose on the loop: this is how tests make a server that hangs.
            new ManualResetEventSlim().Wait(TimeSpan.FromSeconds(seconds));
            reply.Ok();
        }
        else if (call.Is(1, "SET-ACTIVE-EXPIRE"u8) && call.Count == 3 && call[2].Length == 1)
        {
            call.Space.ExpiresActively = call[2][0] != '0';
            reply.Ok();
        }
        else if (call.Is(1, "LOG"u8) && call.Count == 3)
        {
            call.Server.LogText(Encoding.Latin1.GetString(call[2]));
            reply.Ok();
        }
        else if (call.Is(1, "PROTOCOL"u8) && call.Count == 3)
        {
            Protocol(in call, ref reply);
        }
        else
        {
            call.Fail(ref reply, $"ERR unknown subcommand or wrong number of arguments for '{Errors.Quote(call[1])}'. Try DEBUG SLEEP, SET-ACTIVE-EXPIRE, LOG or PROTOCOL.");
        }
    }

    /// <summary>One sample of each kind of reply that no other command gives, for those who write clients.</summary>
    private static void Protocol(scoped in CommandCall call, ref RespWriter reply)
    {
        bool isNew = reply.Version == 3;
        switch (Encoding.Latin1.GetString(call[2]).ToLowerInvariant())
        {
            case "string":
                reply.Bulk("Hello World"u8);
                break;
            case "integer":
                reply.Number(12345);
                break;
            case "double":
                reply.Raw(isNew ? ",3.141\r\n"u8 : "$5\r\n3.141\r\n"u8);
                break;
            case "null":
                reply.Null();
                break;
            case "array":
                WriteNumbers(ref reply, static (ref RespWriter writer) => writer.Array(3));
                break;
            case "set":
                WriteNumbers(ref reply, static (ref RespWriter writer) => writer.Set(3));
                break;
            case "map":
                reply.Map(3);
                for (int i = 0; i < 3; i++)
                {
                    reply.Number(i);
                    reply.Raw(isNew ? i == 1 ? "#t\r\n"u8 : "#f\r\n"u8 : i == 1 ? ":1\r\n"u8 : ":0\r\n"u8);
                }
                break;
            case "bignum":
                reply.Raw(isNew ? "(1234567999999999999999999999999999999\r\n"u8 : "$37\r\n1234567999999999999999999999999999999\r\n"u8);
                break;
            case "true":
                reply.Raw(isNew ? "#t\r\n"u8 : ":1\r\n"u8);
                break;
            case "false":
                reply.Raw(isNew ? "#f\r\n"u8 : ":0\r\n"u8);
                break;
            case "attrib":
                reply.Raw(isNew ? "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"u8 : default);
                reply.Bulk("Some real reply following the attribute"u8);
                break;
            case "verbatim":
                reply.Text("This is a verbatim\nstring"u8);
                break;
            default:
                call.Fail(ref reply, "ERR Wrong protocol type name. Please use one of the following: string|integer|double|null|array|set|map|attrib|bignum|true|false|verbatim"u8);
                break;
        }
    }

    private delegate void Header(ref RespWriter reply);

    private static void WriteNumbers(ref RespWriter reply, Header header)
    {
        header(ref reply);
        for (int i = 0; i < 3; i++)
        {
            reply.Number(i);
        }
    }
}
