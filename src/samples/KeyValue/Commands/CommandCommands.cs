using System.Text;
using Resp;

namespace KeyValue.Commands;

/// <summary>COMMAND and HELP: the command table, told over the wire.</summary>
internal static class CommandCommands
{
    public static void Count(scoped in CommandCall call, ref RespWriter reply) => reply.Number(call.Server.Table.Commands.Count);

    public static void List(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count != 2)
        {
            call.Fail(ref reply, Errors.Syntax);
            return;
        }
        reply.Array(call.Server.Table.Commands.Count);
        foreach (Command command in call.Server.Table.Commands)
        {
            reply.Bulk(command.NameBytes);
        }
    }

    public static void Info(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count <= 2)
        {
            reply.Array(call.Server.Table.Commands.Count);
            foreach (Command command in call.Server.Table.Commands)
            {
                WriteInfo(command, ref reply);
            }
            return;
        }
        reply.Array(call.Count - 2);
        for (int i = 2; i < call.Count; i++)
        {
            if (Find(in call, i) is Command command)
            {
                WriteInfo(command, ref reply);
            }
            else
            {
                reply.Null();
            }
        }
    }

    public static void Docs(scoped in CommandCall call, ref RespWriter reply)
    {
        List<Command> commands = [];
        for (int i = 2; i < call.Count; i++)
        {
            if (Find(in call, i) is Command command)
            {
                commands.Add(command);
            }
        }
        IReadOnlyList<Command> told = call.Count == 2 ? call.Server.Table.Commands : commands;
        reply.Map(told.Count);
        foreach (Command command in told)
        {
            WriteDocs(command, ref reply);
        }
    }

    public static void GetKeys(scoped in CommandCall call, ref RespWriter reply)
    {
        Command? command = Find(in call, 2);
        if (command is { Subcommands.Length: > 0 } && call.Count > 3)
        {
            command = CommandTable.FindSubcommand(command, call[3]);
        }
        if (command is null)
        {
            call.Fail(ref reply, "ERR Invalid command specified"u8);
            return;
        }
        int count = call.Count - 2;
        if (command.Keys.First == 0)
        {
            call.Fail(ref reply, "ERR The command has no key arguments"u8);
            return;
        }
        if (!command.Takes(count))
        {
            call.Fail(ref reply, "ERR Invalid number of arguments specified for command"u8);
            return;
        }
        int last = command.Keys.Last < 0 ? count + command.Keys.Last : command.Keys.Last;
        reply.Array(((last - command.Keys.First) / command.Keys.Step) + 1);
        for (int i = command.Keys.First; i <= last; i += command.Keys.Step)
        {
            reply.Bulk(call[i + 2]);
        }
    }

    public static void Help(scoped in CommandCall call, ref RespWriter reply)
    {
        Command parent = call.Command.Parent!;
        List<string> lines = [$"{parent.Name.ToUpperInvariant()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"];
        foreach (Command subcommand in parent.Subcommands)
        {
            lines.Add($"{subcommand.Name.ToUpperInvariant()} {subcommand.Syntax}".TrimEnd());
            lines.Add($"    {subcommand.Summary}");
        }
        reply.Array(lines.Count);
        foreach (string line in lines)
        {
            reply.Simple(Encoding.ASCII.GetBytes(line));
        }
    }

    private static Command? Find(scoped in CommandCall call, int index)
    {
        // A subcommand is named "config|get" here, as in statistics.
        ReadOnlySpan<byte> name = call[index];
        int bar = name.IndexOf((byte)'|');
        Command? command = call.Server.Table.Find(bar < 0 ? name : name[..bar]);
        return bar < 0 || command is null ? command : CommandTable.FindSubcommand(command, name[(bar + 1)..]);
    }

    private static void WriteInfo(Command command, ref RespWriter reply)
    {
        (CommandFlags Flag, string Name)[] names =
        [
            (CommandFlags.Write, "write"), (CommandFlags.ReadOnly, "readonly"), (CommandFlags.DenyOom, "denyoom"),
            (CommandFlags.Admin, "admin"), (CommandFlags.NoAuth, "no_auth"), (CommandFlags.Fast, "fast"),
        ];
        reply.Array(10);
        reply.Bulk(Encoding.ASCII.GetBytes(command.FullName));
        reply.Number(command.Arity);
        reply.Set(names.Count(pair => (command.Flags & pair.Flag) != 0));
        foreach ((CommandFlags flag, string name) in names)
        {
            if ((command.Flags & flag) != 0)
            {
                reply.Simple(Encoding.ASCII.GetBytes(name));
            }
        }
        reply.Number(command.Keys.First);
        reply.Number(command.Keys.Last);
        reply.Number(command.Keys.Step);
        // Access categories, tips and key specifications: this server has no access lists and no cluster, which is what they are for.
        reply.Set(0);
        reply.Array(0);
        reply.Array(0);
        reply.Array(command.Subcommands.Length);
        foreach (Command subcommand in command.Subcommands)
        {
            WriteInfo(subcommand, ref reply);
        }
    }

    private static void WriteDocs(Command command, ref RespWriter reply)
    {
        List<string> arguments = Arguments(command.Syntax);
        reply.Bulk(Encoding.ASCII.GetBytes(command.FullName));
        reply.Map(3 + (arguments.Count > 0 ? 1 : 0) + (command.Subcommands.Length > 0 ? 1 : 0));
        reply.Bulk("summary"u8);
        reply.Bulk(Encoding.ASCII.GetBytes(command.Summary));
        reply.Bulk("group"u8);
        reply.Bulk(Encoding.ASCII.GetBytes(command.Group));
        reply.Bulk("complexity"u8);
        reply.Bulk(Encoding.ASCII.GetBytes(command.Complexity));
        if (arguments.Count > 0)
        {
            reply.Bulk("arguments"u8);
            reply.Array(arguments.Count);
            foreach (string argument in arguments)
            {
                WriteArgument(argument, ref reply);
            }
        }
        if (command.Subcommands.Length > 0)
        {
            reply.Bulk("subcommands"u8);
            reply.Map(command.Subcommands.Length);
            foreach (Command subcommand in command.Subcommands)
            {
                WriteDocs(subcommand, ref reply);
            }
        }
    }

    private static void WriteArgument(string argument, ref RespWriter reply)
    {
        bool optional = argument[0] == '[';
        reply.Map(optional ? 3 : 2);
        reply.Bulk("name"u8);
        reply.Bulk(Encoding.ASCII.GetBytes(optional ? argument[1..^1] : argument));
        reply.Bulk("type"u8);
        reply.Bulk("string"u8);
        if (optional)
        {
            reply.Bulk("flags"u8);
            reply.Set(1);
            reply.Simple("optional"u8);
        }
    }

    /// <summary>The words of a syntax; what stands in brackets is one.</summary>
    private static List<string> Arguments(string syntax)
    {
        List<string> words = [];
        int depth = 0;
        int start = 0;
        for (int i = 0; i <= syntax.Length; i++)
        {
            if (i == syntax.Length || (syntax[i] == ' ' && depth == 0))
            {
                if (i > start)
                {
                    words.Add(syntax[start..i]);
                }
                start = i + 1;
            }
            else
            {
                depth += syntax[i] == '[' ? 1 : syntax[i] == ']' ? -1 : 0;
            }
        }
        return words;
    }
}
